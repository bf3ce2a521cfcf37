// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.tracers;

import static org.assertj.core.api.Assertions.assertThat;

import dev.patchbay.api.tracing.TracerFactory;
import java.lang.reflect.Proxy;
import java.util.HashMap;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.osgi.framework.BundleContext;
import org.osgi.framework.ServiceReference;

class TracerRegistryComponentTest {
  private final Map<ServiceReference<TracerFactory>, TracerFactory> factories = new HashMap<>();
  private final TracerRegistryComponent registry =
      new TracerRegistryComponent(
          (BundleContext)
              Proxy.newProxyInstance(
                  BundleContext.class.getClassLoader(),
                  new Class<?>[] {BundleContext.class},
                  (proxy, method, args) -> factories.get(args[0])));

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
}
