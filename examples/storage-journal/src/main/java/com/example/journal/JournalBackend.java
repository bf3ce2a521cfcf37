// SPDX-License-Identifier: Apache-2.0
package com.example.journal;

import dev.patchbay.api.storage.Column;
import dev.patchbay.api.storage.KeyValueStore;
import dev.patchbay.api.storage.StorageBackend;
import dev.patchbay.api.storage.StorageException;
import java.nio.file.Path;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import org.osgi.service.component.annotations.Component;
import org.osgi.service.component.annotations.Deactivate;

/**
 * The storage backend {@code journal}: each store is one file and a copy of its content in memory,
 * which suits chains for development. Threading: any thread.
 */
@Component(property = StorageBackend.ID + "=journal")
public final class JournalBackend implements StorageBackend {
  /** The open stores by identity; guarded by this backend. */
  private final Set<JournalStore> stores = new HashSet<>();

  /** Guarded by this backend. */
  private boolean deactivated;

  /** Closes the stores that are open; later calls fail. */
  @Deactivate
  public void deactivate() {
    List<JournalStore> open;
    synchronized (this) {
      deactivated = true;
      open = List.copyOf(stores);
    }
    open.forEach(JournalStore::close);
  }

  @Override
  public String id() {
    return "journal";
  }

  @Override
  public boolean isDurable() {
    return true;
  }

  @Override
  public synchronized KeyValueStore open(Path folder, List<Column> columns, boolean create) {
    if (deactivated) {
      throw new StorageException("the storage backend journal is stopped");
    }
    JournalStore store = JournalStore.open(folder, columns, create, this::closed);
    stores.add(store);
    return store;
  }

  private synchronized void closed(JournalStore store) {
    stores.remove(store);
  }
}
