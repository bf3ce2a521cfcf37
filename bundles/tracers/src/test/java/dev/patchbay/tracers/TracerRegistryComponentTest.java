// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.tracers;

import static org.assertj.core.api.Assertions.assertThat;

import dev.patchbay.api.tracing.TracerFactory;
import java.lang.reflect.Proxy;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.FutureTask;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Consumer;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.osgi.framework.BundleContext;
import org.osgi.framework.ServiceReference;

class TracerRegistryComponentTest {
  private final Map<ServiceReference<TracerFactory>, TracerFactory> factories = new HashMap<>();

  /** References whose services were given back. */
  private final List<Object> released = new CopyOnWriteArrayList<>();

  /** Is called with the reference of a service that is made. */
  private volatile Consumer<Object> onMake = reference -> {};

  private final TracerRegistryComponent registry =
      new TracerRegistryComponent(
          (BundleContext)
              Proxy.newProxyInstance(
                  BundleContext.class.getClassLoader(),
                  new Class<?>[] {BundleContext.class},
                  (proxy, method, args) -> {
                    if (method.getName().equals("ungetService")) {
                      released.add(args[0]);
                      return true;
                    }
                    onMake.accept(args[0]);
                    return factories.get(args[0]);
                  }));

  private record Tracer(
      ServiceReference<TracerFactory> reference,
      Map<String, Object> properties,
      TracerFactory factory) {}

  @SuppressWarnings("unchecked") // a proxy of an interface is of that interface
  private Tracer tracer(long id, String name, String version) {
    Map<String, Object> properties =
        Map.of("service.id", id, TracerFactory.NAME, name, TracerFactory.VERSION, version);
    ServiceReference<TracerFactory> reference =
        (ServiceReference<TracerFactory>)
            Proxy.newProxyInstance(
                ServiceReference.class.getClassLoader(),
                new Class<?>[] {ServiceReference.class},
                (proxy, method, args) ->
                    switch (method.getName()) {
                      case "getProperty" -> properties.get(args[0]);
                      case "getBundle" -> null;
                      case "equals" -> proxy == args[0];
                      case "hashCode" -> System.identityHashCode(proxy);
                      default -> throw new UnsupportedOperationException(method.getName());
                    });
    TracerFactory factory =
        (TracerFactory)
            Proxy.newProxyInstance(
                TracerFactory.class.getClassLoader(),
                new Class<?>[] {TracerFactory.class},
                (proxy, method, args) ->
                    switch (method.getName()) {
                      case "equals" -> proxy == args[0];
                      case "hashCode" -> System.identityHashCode(proxy);
                      default -> "" + id;
                    });
    factories.put(reference, factory);
    return new Tracer(reference, properties, factory);
  }

  private Tracer added(long id, String name, String version) {
    Tracer tracer = tracer(id, name, version);
    registry.addTracer(tracer.reference(), tracer.properties());
    return tracer;
  }

  private void remove(Tracer tracer) {
    registry.removeTracer(tracer.reference(), tracer.properties());
  }

  @Test
  void theLatestVersionOfANameIsFound() {
    Tracer first = added(1, "callTracer", "1.9.0");
    Tracer second = added(2, "callTracer", "1.10.0");
    assertThat(registry.find("callTracer")).isSameAs(second.factory());
    assertThat(registry.find("callTracer@1.9.0")).isSameAs(first.factory());
    assertThat(registry.find("callTracer@2")).isNull();
    assertThat(registry.find("callTracer@x")).isNull();
    assertThat(registry.find("other")).isNull();
    assertThat(registry.names())
        .containsExactly("callTracer", "callTracer@1.10.0", "callTracer@1.9.0");
    remove(second);
    assertThat(registry.find("callTracer")).isSameAs(first.factory());
  }

  @Test
  void aSecondTracerOfTheSameVersionTakesOverOnlyWhenTheFirstIsRemoved() {
    Tracer ours = added(1, "callTracer", "1.0.0");
    Tracer theirs = added(2, "callTracer", "1.0.0");
    assertThat(registry.find("callTracer")).isSameAs(ours.factory());
    remove(ours);
    assertThat(registry.find("callTracer")).as("no hole is left").isSameAs(theirs.factory());
    remove(theirs);
    assertThat(registry.find("callTracer")).isNull();
    assertThat(registry.names()).isEmpty();
  }

  /** The activation of a third party's tracer may wait for anything. */
  @Test
  @Timeout(value = 60, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
  void aTracerThatIsSlowToStartBlocksNoOthers() throws Exception {
    Tracer slow = added(1, "slow", "1.0.0");
    CountDownLatch begins = new CountDownLatch(1);
    CountDownLatch ends = new CountDownLatch(1);
    onMake =
        reference -> {
          if (reference == slow.reference()) {
            begins.countDown();
            try {
              ends.await();
            } catch (InterruptedException interrupted) {
              throw new AssertionError(interrupted);
            }
          }
        };
    FutureTask<TracerFactory> task = new FutureTask<>(() -> registry.find("slow"));
    Thread thread = new Thread(task, "trace");
    thread.start();
    begins.await();
    FutureTask<Void> others =
        new FutureTask<>(
            () -> {
              Tracer other = added(2, "callTracer", "1.0.0");
              assertThat(registry.find("callTracer")).isSameAs(other.factory());
              assertThat(registry.names()).contains("slow", "callTracer");
              remove(other);
              remove(slow);
              return null;
            });
    Thread second = new Thread(others, "others");
    second.setDaemon(true);
    second.start();
    try {
      others.get(30, TimeUnit.SECONDS);
    } finally {
      ends.countDown();
    }
    assertThat(task.get()).isSameAs(slow.factory());
    assertThat(released).as("it is not registered any more").containsExactly(slow.reference());
    assertThat(registry.find("slow")).isNull();
  }

  @Test
  void aTracerIsHeldUntilItIsUnregistered() {
    Tracer tracer = added(1, "callTracer", "1.0.0");
    AtomicInteger makes = new AtomicInteger();
    onMake =
        reference -> {
          if (makes.getAndIncrement() == 0) {
            assertThat(registry.find("callTracer")).isSameAs(tracer.factory()); // another trace
          }
        };
    assertThat(registry.find("callTracer")).isSameAs(tracer.factory());
    assertThat(registry.find("callTracer")).isSameAs(tracer.factory());
    assertThat(makes).hasValue(2);
    assertThat(released).as("one of two uses").containsExactly(tracer.reference());
  }
}
