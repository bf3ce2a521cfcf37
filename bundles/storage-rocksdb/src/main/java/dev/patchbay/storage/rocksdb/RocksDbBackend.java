// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.storage.rocksdb;

import dev.patchbay.api.storage.Column;
import dev.patchbay.api.storage.KeyValueStore;
import dev.patchbay.api.storage.StorageBackend;
import dev.patchbay.api.storage.StorageException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import org.jspecify.annotations.Nullable;
import org.osgi.service.component.annotations.Activate;
import org.osgi.service.component.annotations.Component;
import org.osgi.service.component.annotations.Deactivate;

/**
 * Opens stores in RocksDB. The native library and the memory that all stores share are acquired
 * when the first store is opened, so a backend that is not chosen costs nothing.
 *
 * <p>Threading: any thread; stores are opened one after the other.
 */
@Component(service = StorageBackend.class, property = StorageBackend.ID + "=rocksdb")
public final class RocksDbBackend implements StorageBackend {
  /** The open stores by identity; guarded by this backend. */
  private final Set<RocksDbStore> stores = new HashSet<>();

  /** Guarded by this backend. */
  private @Nullable SharedMemory memory;

  /** Guarded by this backend. */
  private boolean deactivated;

  /** Creates a backend without a store. */
  @Activate
  public RocksDbBackend() {}

  /** Closes the stores that are open; later calls fail. */
  @Deactivate
  public void deactivate() {
    List<RocksDbStore> open;
    synchronized (this) {
      deactivated = true;
      open = new ArrayList<>(stores);
    }
    open.forEach(RocksDbStore::close);
    synchronized (this) {
      if (memory != null) {
        memory.close();
        memory = null;
      }
    }
  }

  @Override
  public String id() {
    return "rocksdb";
  }

  @Override
  public boolean isDurable() {
    return true;
  }

  @Override
  public synchronized KeyValueStore open(Path folder, List<Column> columns, boolean create) {
    if (deactivated) {
      throw new StorageException("the storage backend rocksdb is stopped");
    }
    SharedMemory shared = memory;
    if (shared == null) {
      shared = SharedMemory.allocate();
      memory = shared;
    }
    RocksDbStore store = new RocksDbStore(folder, columns, create, shared, this::closed);
    stores.add(store);
    return store;
  }

  private synchronized void closed(RocksDbStore store) {
    stores.remove(store);
  }
}
