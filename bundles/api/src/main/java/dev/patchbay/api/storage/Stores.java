// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.api.storage;

import java.util.List;
import org.osgi.annotation.versioning.ProviderType;

/**
 * The stores of the node by name. The backend of each store is chosen once, when the store is first
 * opened, and is written down with it; only {@link StorageControl#migrate} changes it later.
 *
 * <p>Each bundle has a service of its own. When the bundle stops, its stores are closed, also those
 * that it has left open.
 *
 * <p>Threading: any thread.
 */
@ProviderType
public interface Stores {
  /**
   * Registers the owner of a named store, the only one that writes to it. The store is opened now
   * when its backend is installed, otherwise as soon as that is.
   *
   * @param name 1 to 32 small letters, digits and '-', a letter first
   * @param columns the columns of the store
   * @param owner is called back on this thread, or on the one that installs a backend
   * @throws IllegalStateException when the name has an owner, or the bundle has stopped
   * @throws IllegalArgumentException when the name, or the name of a column, is malformed or
   *     reserved
   */
  NamedStore register(String name, List<Column> columns, StoreOwner owner);
}
