// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.storage.memory;

import dev.patchbay.api.storage.Column;
import dev.patchbay.api.storage.KeyValueStore;
import dev.patchbay.api.storage.StorageBackend;
import dev.patchbay.api.storage.StorageException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import org.osgi.service.component.annotations.Component;
import org.osgi.service.component.annotations.Deactivate;

/** Opens stores in memory. Each store is empty when it is opened. Threading: any thread. */
@Component(service = StorageBackend.class, property = StorageBackend.ID + "=memory")
public final class MemoryBackend implements StorageBackend {
  /** The open stores by identity; guarded by this backend. */
  private final Set<MemoryStore> stores = new HashSet<>();

  /** Guarded by this backend. */
  private boolean deactivated;

  /** Closes the stores that are open; later calls fail. */
  @Deactivate
  public void deactivate() {
    List<MemoryStore> open;
    synchronized (this) {
      deactivated = true;
      open = new ArrayList<>(stores);
    }
    open.forEach(MemoryStore::close);
  }

  @Override
  public String id() {
    return "memory";
  }

  @Override
  public boolean isDurable() {
    return false;
  }

  @Override
  public synchronized KeyValueStore open(Path folder, List<Column> columns, boolean create) {
    if (deactivated) {
      throw new StorageException("the storage backend memory is stopped");
    }
    if (!create) {
      throw new StorageException(
          "the store of "
              + folder
              + " was in memory, and its content ended when it was closed; it can only be created");
    }
    MemoryStore store = new MemoryStore(folder.toString(), columns, this::closed);
    stores.add(store);
    return store;
  }

  private synchronized void closed(MemoryStore store) {
    stores.remove(store);
  }
}
