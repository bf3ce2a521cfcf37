// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.storage;

import dev.patchbay.api.storage.Column;
import dev.patchbay.api.storage.NamedStore;
import dev.patchbay.api.storage.StoreOwner;
import dev.patchbay.api.storage.Stores;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/**
 * The stores of one bundle. They are closed when the bundle stops, also those that a component has
 * opened whose activation the container no longer waits for: their names are free for the next
 * start of the bundle.
 *
 * <p>Threading: any thread. {@link #close} waits for a store that is being opened.
 */
final class BundleStores implements Stores, AutoCloseable {
  private final Stores registry;

  /** The latest store of each name; guarded by this. */
  private final Map<String, NamedStore> stores = new HashMap<>();

  private boolean closed;

  BundleStores(Stores registry) {
    this.registry = registry;
  }

  /**
   * {@inheritDoc}
   *
   * @throws IllegalStateException also when the bundle has stopped
   */
  @Override
  public synchronized NamedStore register(String name, List<Column> columns, StoreOwner owner) {
    if (closed) {
      throw new IllegalStateException(
          "store '" + name + "' is not opened: the bundle of its owner has stopped");
    }
    NamedStore store = registry.register(name, columns, owner);
    stores.put(name, store);
    return store;
  }

  /** Closes the stores that the bundle has left open. */
  @Override
  public synchronized void close() {
    closed = true;
    stores.values().forEach(NamedStore::close);
    stores.clear();
  }
}
