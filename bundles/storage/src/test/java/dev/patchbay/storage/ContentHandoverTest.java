// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.storage;

import static dev.patchbay.storage.Stubs.stub;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.patchbay.api.node.Handover;
import dev.patchbay.api.node.HealthCheck;
import dev.patchbay.api.storage.Column;
import dev.patchbay.api.storage.NamedStore;
import dev.patchbay.api.storage.StorageBackend;
import dev.patchbay.api.storage.StorageControl;
import dev.patchbay.api.storage.StorageUnavailableException;
import dev.patchbay.api.storage.StoreLease;
import dev.patchbay.api.storage.Stores;
import dev.patchbay.api.storage.WriteBatch;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.locks.ReentrantLock;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.osgi.framework.Bundle;
import org.osgi.framework.BundleContext;
import org.osgi.framework.ServiceFactory;
import org.osgi.framework.ServiceReference;
import org.osgi.framework.ServiceRegistration;

/** A chain in memory outlives an update of this bundle, and another configuration of it. */
class ContentHandoverTest {
  private static final String NAME = "handed";
  private static final Column META = new Column("META");
  private static final byte[] HEAD = {1};

  @TempDir Path data;
  private final Map<String, Object> kept = new HashMap<>();
  private final Map<String, Runnable> drops = new HashMap<>();
  private final ReentrantLock writes = new ReentrantLock();
  private final TestOwner owner = new TestOwner(writes);
  private final List<ServiceReference<StorageBackend>> backends = new ArrayList<>();
  private final Map<ServiceReference<?>, Object> services = new HashMap<>();

  /** How often bundles of backends use their own services. */
  private int held;

  private @Nullable Stores stores;
  private @Nullable NamedStore store;
  private @Nullable StorageComponent component;

  /** The services that are registered. */
  private final Set<Object> registered = new HashSet<>();

  /** The service that cannot be registered; null when each can. */
  private @Nullable Class<?> failing;

  /** Whether the handover cannot keep content, as one of another version. */
  private boolean refuses;

  /** Whether the owner closes its store at once, as a component that is updated too. */
  private boolean closesAtOnce;

  /** Whether the owner leaves its store open, and registers it again when that is closed. */
  private boolean closesLate;

  private final ServiceReference<Handover> handover = reference(Handover.class, 1, "");

  @SuppressWarnings("unchecked") // each bundle has a service of its own
  private final BundleContext context =
      stub(
          BundleContext.class,
          (method, args) ->
              switch (method) {
                case "getProperty" -> args[0].equals("patchbay.data") ? data.toString() : null;
                case "registerService" -> {
                  if (args[0] == failing) {
                    throw new IllegalStateException("the bundle is stopping");
                  }
                  registered.add(args[0]);
                  if (args[0] == Stores.class) {
                    stores = ((ServiceFactory<Stores>) args[1]).getService(null, null);
                    if (closesAtOnce) {
                      stores.register(NAME, List.of(META), owner).close();
                    }
                    store = stores.register(NAME, List.of(META), owner); // as the chain does
                  }
                  yield stub(
                      ServiceRegistration.class,
                      (name, none) -> {
                        registered.remove(args[0]);
                        if (args[0] == Stores.class && !closesLate) {
                          store.close();
                        } else if (args[0] == HealthCheck.class && closesLate) {
                          closesLate = false;
                          store = stores.register(NAME, List.of(META), owner);
                        }
                        return null;
                      });
                }
                case "getServiceReference" -> services.containsKey(handover) ? handover : null;
                case "getServiceReferences" -> List.copyOf(backends);
                case "getService" -> services.get(args[0]);
                default -> true;
              });

  @SuppressWarnings("unchecked") // a proxy of an interface is of that interface
  private <T> ServiceReference<T> reference(Class<T> type, long id, String name) {
    BundleContext its =
        stub(
            BundleContext.class,
            (method, args) -> {
              held += method.equals("getService") ? 1 : -1;
              return method.equals("getService") ? services.get(args[0]) : true;
            });
    Bundle bundle =
        stub(
            Bundle.class,
            (method, args) -> method.equals("getBundleContext") ? its : "org." + name);
    return stub(
        ServiceReference.class,
        (method, args) ->
            !method.equals("getProperty") ? bundle : args[0].equals("service.id") ? id : name);
  }

  private FileBackend add(long id) {
    FileBackend backend = new FileBackend("memory", false);
    ServiceReference<StorageBackend> reference = reference(StorageBackend.class, id, "memory");
    services.put(reference, backend);
    backends.add(reference);
    return backend;
  }

  private void start() {
    component =
        new StorageComponent(
            context,
            StorageComponentTest.config(Map.of("default.backend", "memory")),
            Map.of("default.backend", "memory"));
    backends.forEach(
        reference -> component.addBackend((StorageBackend) services.get(reference), reference));
    component.register(context);
  }

  private void begin() {
    services.put(
        handover,
        new Handover() {
          @Override
          public void put(String name, Object state) {
            throw new AssertionError("content must be closed when it is dropped");
          }

          @Override
          public void put(String name, Object state, Runnable ifDropped) {
            if (refuses) {
              throw new UnsupportedOperationException("this service cannot end the state");
            }
            kept.put(name, state);
            drops.put(name, ifDropped);
          }

          @Override
          public @Nullable Object take(String name) {
            return kept.remove(name);
          }
        });
    add(7);
    start();
    put("block 1");
  }

  private void put(String head) {
    writes.lock();
    try {
      WriteBatch batch = new WriteBatch();
      batch.put(META, HEAD.clone(), head.getBytes());
      store.write(batch);
    } finally {
      writes.unlock();
    }
  }

  private String head() {
    try (StoreLease lease = store.lease()) {
      return new String(lease.get().get(META, HEAD.clone()));
    }
  }

  @AfterEach
  void close() {
    System.clearProperty("dev.patchbay.storage.opened." + NAME);
    component.deactivate();
    drops.values().forEach(Runnable::run);
    assertThat(FileBackend.OPEN).isEmpty();
    assertThat(held).isZero();
    assertThat(owner.begun).as("first contents: a second one is a second chain").isEqualTo(1);
  }

  @Test
  void aChainInMemoryOutlivesAnUpdate() {
    begin();
    for (int i = 2; i < 5; i++) {
      component.deactivate();
      assertThat(store.isBound()).isFalse();
      assertThat(held).as("the backend is in use").isEqualTo(1);
      start();
      assertThat(head()).isEqualTo("block " + (i - 1));
      put("block " + i);
      assertThat(head()).isEqualTo("block " + i);
      assertThat(held).isZero();
    }
  }

  @Test
  void contentOutlivesAnOwnerThatClosesItsStoreAtOnce() {
    begin();
    component.deactivate();
    closesAtOnce = true;
    start();
    assertThat(head()).isEqualTo("block 1");
  }

  /** An owner that is notified late of the end of the service must not take the content back. */
  @Test
  void contentOutlivesAnOwnerThatRegistersWhileTheStoresAreClosed() {
    begin();
    closesLate = true;
    component.deactivate();
    assertThat(closesLate).as("the store was registered again").isFalse();
    assertThat(store.isBound()).isFalse();
    start();
    assertThat(head()).isEqualTo("block 1");
  }

  @Test
  void aSuccessorThatFailsToStartPassesTheContentOn() {
    begin();
    component.deactivate();
    for (Class<?> service : List.of(Stores.class, StorageControl.class)) {
      failing = service;
      assertThatThrownBy(this::start).hasMessage("the bundle is stopping");
      assertThat(registered).as("of the one that failed").isEmpty();
      assertThat(FileBackend.OPEN).hasSize(1);
    }
    failing = null;
    start();
    assertThat(head()).isEqualTo("block 1");
  }

  @Test
  void contentThatNoSuccessorTakesIsClosed() {
    begin();
    component.deactivate();
    assertThat(FileBackend.OPEN).hasSize(1);
    kept.clear();
    drops.values().forEach(Runnable::run);
    drops.clear();
    assertThat(FileBackend.OPEN).isEmpty();
    assertEnded();
  }

  @Test
  void theContentOfABackendThatIsNotThereIsClosed() {
    begin();
    component.deactivate();
    backends.clear();
    held = 0; // the framework does that
    drops.clear();
    add(8);
    assertEnded();
    assertThat(FileBackend.OPEN).isEmpty();
  }

  @Test
  void theContentOfABackendThatWasReplacedIsClosed() {
    begin();
    component.deactivate();
    services.put(backends.get(0), new FileBackend("memory", false)); // a lazy component
    drops.clear();
    assertEnded("has ended with the bundle of 'memory'");
    assertThat(FileBackend.OPEN).isEmpty();
  }

  @Test
  void withoutAHandoverTheContentEnds() {
    begin();
    services.remove(handover);
    component.deactivate();
    assertThat(FileBackend.OPEN).isEmpty();
    assertEnded();
  }

  @Test
  void contentThatTheHandoverRefusesIsClosed() {
    begin();
    refuses = true;
    component.deactivate();
    assertThat(FileBackend.OPEN).isEmpty();
    assertThat(held).as("the backend is not in use").isZero();
    assertEnded();
  }

  @Test
  void contentOfAnotherVersionIsClosed() {
    begin();
    component.deactivate();
    drops.clear();
    kept.replaceAll(
        (name, state) -> {
          List<Object> items = new ArrayList<>((List<?>) state);
          items.set(0, 2); // the version
          return items;
        });
    assertEnded();
    assertThat(FileBackend.OPEN).isEmpty();
    assertThat(held).as("the backend is in use by the stores alone").isZero();
  }

  /** The reason is not the bundle of the backend, which is still there. */
  private void assertEnded() {
    assertEnded("has ended while the bundle dev.patchbay.storage was stopped");
  }

  private void assertEnded(String reason) {
    start();
    assertThatThrownBy(store::lease)
        .isInstanceOf(StorageUnavailableException.class)
        .hasMessageContaining(reason);
  }
}
