// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.storage.mapdb;

import dev.patchbay.api.storage.Column;
import dev.patchbay.api.storage.KeyValueStore;
import dev.patchbay.api.storage.StorageBackend;
import dev.patchbay.api.storage.StorageException;
import dev.patchbay.api.storage.TransientStorageException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import org.osgi.service.component.annotations.Component;
import org.osgi.service.component.annotations.Deactivate;

/**
 * Opens stores in MapDB.
 *
 * <p>Threading: any thread; stores are opened one after the other.
 */
@Component(service = StorageBackend.class, property = StorageBackend.ID + "=mapdb")
public final class MapDbBackend implements StorageBackend {
  /** The open stores by identity; guarded by this backend. */
  private final Set<MapDbStore> stores = new HashSet<>();

  /** Guarded by this backend. */
  private boolean deactivated;

  /** Closes the stores that are open; later calls fail. */
  @Deactivate
  public void deactivate() {
    List<MapDbStore> open;
    synchronized (this) {
      deactivated = true;
      open = new ArrayList<>(stores);
    }
    open.forEach(MapDbStore::close);
  }

  @Override
  public String id() {
    return "mapdb";
  }

  @Override
  public boolean isDurable() {
    return true;
  }

  @Override
  public synchronized KeyValueStore open(Path folder, List<Column> columns, boolean create) {
    if (deactivated) {
      throw new StorageException("the storage backend mapdb is stopped");
    }
    // before any file is touched: another lock of this process on it would end the first
    for (MapDbStore other : stores) {
      if (other.folder().toAbsolutePath().normalize().equals(folder.toAbsolutePath().normalize())) {
        throw new TransientStorageException("the store in " + folder + " is in use: it is open");
      }
    }
    MapDbStore store = new MapDbStore(folder, columns, create, this::closed);
    stores.add(store);
    return store;
  }

  private synchronized void closed(MapDbStore store) {
    stores.remove(store);
  }
}
