// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.storage.tck;

import dev.patchbay.api.storage.KeyValueStore;
import dev.patchbay.api.storage.NamedStore;
import dev.patchbay.api.storage.StoreLease;
import dev.patchbay.api.storage.WriteBatch;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;

/**
 * A named store that is always bound to one open store, for tests and benchmarks without a
 * container. Closing it does nothing: the store belongs to the caller. Threading: as the store.
 */
public final class FixedStore implements NamedStore {
  private final KeyValueStore store;
  private final AtomicInteger leases = new AtomicInteger();

  /** Binds a store. */
  public FixedStore(KeyValueStore store) {
    this.store = store;
  }

  /** Returns the number of open leases. */
  public int leases() {
    return leases.get();
  }

  @Override
  public StoreLease lease() {
    leases.incrementAndGet();
    AtomicBoolean open = new AtomicBoolean(true);
    return new StoreLease() {
      @Override
      public KeyValueStore get() {
        return store;
      }

      @Override
      public void close() {
        if (open.compareAndSet(true, false)) {
          leases.decrementAndGet();
        }
      }
    };
  }

  @Override
  public void requireBound() {}

  @Override
  public boolean isBound() {
    return true;
  }

  @Override
  public void write(WriteBatch batch) {
    store.write(batch);
  }

  @Override
  public void flush() {
    store.flush();
  }

  @Override
  public void close() {}
}
