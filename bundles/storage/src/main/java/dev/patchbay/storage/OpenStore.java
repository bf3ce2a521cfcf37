// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.storage;

import dev.patchbay.api.storage.KeyValueStore;
import dev.patchbay.api.storage.StorageBackend;
import dev.patchbay.api.storage.StoreLease;
import dev.patchbay.binding.Lease;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** A store that is open. It counts its leases: once it is retired, the last lease closes it. */
final class OpenStore {
  private static final Logger LOG = LoggerFactory.getLogger(OpenStore.class);

  private final StorageBackend backend;
  private final KeyValueStore store;
  private final Choice.Copy copy;

  /** What leases give: the same object as long as this store is bound. */
  private volatile @Nullable LeasedStore leased;

  /** Leases, and one until the store is retired; at 0 the store is closed. */
  private final AtomicInteger users = new AtomicInteger(1);

  OpenStore(StorageBackend backend, KeyValueStore store, Choice.Copy copy) {
    this.backend = backend;
    this.store = store;
    this.copy = copy;
  }

  StorageBackend backend() {
    return backend;
  }

  /** Returns how messages name the backend. */
  String describeBackend() {
    return Backends.describe(backend.id(), copy.bundle());
  }

  KeyValueStore store() {
    return store;
  }

  Choice.Copy copy() {
    return copy;
  }

  /**
   * Leases the store.
   *
   * @param held a lease of the slot, which ends with the returned lease
   * @param owner takes the writes
   * @return null when the store was closed in the meantime; {@code held} is closed then
   */
  static @Nullable StoreLease lease(Lease<OpenStore> held, ManagedStore owner) {
    OpenStore open = held.get();
    if (open.users.getAndUpdate(count -> count == 0 ? 0 : count + 1) == 0) {
      held.close();
      return null;
    }
    KeyValueStore leased = open.leased(owner);
    AtomicBoolean ended = new AtomicBoolean();
    return new StoreLease() {
      @Override
      public KeyValueStore get() {
        return leased;
      }

      @Override
      public void close() {
        if (ended.compareAndSet(false, true)) {
          held.close();
          open.leave();
        }
      }
    };
  }

  private LeasedStore leased(ManagedStore owner) {
    LeasedStore known = leased;
    if (known == null || !known.isOf(owner)) {
      synchronized (this) {
        known = leased;
        if (known == null || !known.isOf(owner)) {
          known = new LeasedStore(this, owner);
          leased = known;
        }
      }
    }
    return known;
  }

  /** Closes the store as soon as no lease is open. Called once, after the store is unbound. */
  void retire() {
    leave();
  }

  private void leave() {
    if (users.decrementAndGet() == 0) {
      close();
    }
  }

  /** Closes the store now. */
  void close() {
    try {
      store.close();
    } catch (RuntimeException | Error failure) {
      LOG.warn("closing {} of {} failed: {}", copy.folder(), backend.id(), failure.toString());
    }
  }
}
