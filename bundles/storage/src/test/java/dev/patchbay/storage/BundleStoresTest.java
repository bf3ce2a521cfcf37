// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.storage;

import static dev.patchbay.storage.Stubs.stub;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.patchbay.api.storage.Column;
import dev.patchbay.api.storage.NamedStore;
import dev.patchbay.api.storage.StorageBackend;
import dev.patchbay.api.storage.Stores;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicReference;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.osgi.framework.Bundle;
import org.osgi.framework.BundleContext;
import org.osgi.framework.ServiceFactory;
import org.osgi.framework.ServiceReference;
import org.osgi.framework.ServiceRegistration;

/** The stores of a bundle are closed when it stops, also when its component does not close them. */
@Timeout(60)
class BundleStoresTest {
  private static final String NAME = "owned";
  private static final List<Column> COLUMNS = List.of(new Column("META"));

  @TempDir Path data;
  private final FileBackend backend = new FileBackend("files", true);
  private final TestOwner owner = new TestOwner();
  private final Bundle bundle =
      stub(Bundle.class, (name, args) -> name.equals("getSymbolicName") ? "org.files" : null);
  private final ServiceReference<StorageBackend> reference =
      stub(ServiceReference.class, (name, args) -> name.equals("getBundle") ? bundle : null);

  /** What the component registers as the service of the stores. */
  private Object service;

  private StorageComponent component;

  @BeforeEach
  void start() {
    BundleContext context =
        stub(
            BundleContext.class,
            (name, args) -> {
              if (name.equals("getProperty")) {
                return args[0].equals("patchbay.data") ? data.toString() : null;
              }
              if (args[0] == Stores.class) {
                service = args[1];
              }
              return name.equals("registerService")
                  ? stub(ServiceRegistration.class, (of, none) -> null)
                  : null;
            });
    Map<String, Object> given = Map.of("default.backend", "files");
    component = new StorageComponent(context, StorageComponentTest.config(given), given);
    component.addBackend(backend, reference);
    component.register(context);
  }

  @AfterEach
  void stop() {
    component.deactivate();
    System.clearProperty("dev.patchbay.storage.opened." + NAME);
    assertThat(FileBackend.OPEN).isEmpty();
  }

  @SuppressWarnings("unchecked") // each bundle has a service of its own
  private ServiceFactory<Stores> services() {
    assertThat(service).isInstanceOf(ServiceFactory.class);
    return (ServiceFactory<Stores>) service;
  }

  private Stores start(Bundle user) {
    return services().getService(user, null);
  }

  private void stop(Bundle user, Stores stores) {
    services().ungetService(user, null, stores);
  }

  private NamedStore register(Stores stores) {
    return stores.register(NAME, COLUMNS, owner);
  }

  @Test
  void aStoreThatWasLeftOpenIsClosedAndItsNameIsFree() {
    Stores stores = start(bundle);
    NamedStore left = register(stores);
    assertThatThrownBy(() -> register(start(bundle))).hasMessage("store 'owned' has an owner");

    stop(bundle, stores);
    assertThat(left.isBound()).isFalse();
    assertThat(FileBackend.OPEN).isEmpty();

    Stores next = start(bundle);
    assertThat(register(next).isBound()).isTrue();
    stop(bundle, next);
  }

  @Test
  void storesOfOtherBundlesStayOpen() {
    NamedStore store = register(start(bundle));
    stop(bundle, start(bundle));
    assertThat(store.isBound()).isTrue();
  }

  @Test
  void aStoppedBundleOpensNoStore() {
    Stores stores = start(bundle);
    stop(bundle, stores);
    assertThatThrownBy(() -> register(stores))
        .hasMessage("store 'owned' is not opened: the bundle of its owner has stopped");
  }

  /** Otherwise, the name would have an owner when the bundle starts again. */
  @Test
  void theStopWaitsForAStoreThatIsBeingOpened() throws InterruptedException {
    CountDownLatch opening = new CountDownLatch(1);
    CountDownLatch proceed = new CountDownLatch(1);
    backend.beforeOpen =
        () -> {
          opening.countDown();
          try {
            proceed.await();
          } catch (InterruptedException interrupted) {
            throw new IllegalStateException(interrupted);
          }
        };
    Stores stores = start(bundle);
    AtomicReference<NamedStore> opened = new AtomicReference<>();
    Thread activation = new Thread(() -> opened.set(register(stores)));
    activation.start();
    opening.await();
    Thread stopping = new Thread(() -> stop(bundle, stores));
    stopping.start();
    while (stopping.getState() != Thread.State.BLOCKED) {
      assertThat(stopping.getState()).isNotEqualTo(Thread.State.TERMINATED);
      Thread.onSpinWait();
    }
    proceed.countDown();
    activation.join();
    stopping.join();

    assertThat(opened.get().isBound()).isFalse();
    assertThat(FileBackend.OPEN).isEmpty();
    assertThat(register(start(bundle)).isBound()).isTrue();
  }
}
