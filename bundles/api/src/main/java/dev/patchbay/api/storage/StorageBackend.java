// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.api.storage;

import java.nio.file.Path;
import java.util.List;
import org.osgi.annotation.versioning.ConsumerType;

/**
 * Opens stores of one kind; a whiteboard service with the property {@value #ID}. A backend opens
 * any number of stores, each in a folder of its own. It closes the stores that are still open when
 * it is deactivated.
 *
 * <p>Threading: any thread.
 */
@ConsumerType
public interface StorageBackend {
  /** Service property: the name that operators choose the backend by. */
  String ID = "storage.id";

  /** Returns the name that operators choose the backend by: small letters, digits and '-'. */
  String id();

  /** Returns whether entries survive the end of the process. */
  boolean isDurable();

  /**
   * Opens a store.
   *
   * @param folder where a durable backend keeps the files of this store, and no other files; it is
   *     created when it does not exist. One store of a folder is open at a time. Backends that are
   *     not durable ignore it: each of their stores is empty when it is opened
   * @param columns the columns that the store has
   * @param create whether a store, and columns of it, that do not exist are created; otherwise they
   *     are an error
   * @throws TransientStorageException when the files are in use by another process, or for another
   *     reason that may cease; nothing was changed
   * @throws StorageException when the files are damaged or incomplete; nothing was changed
   */
  KeyValueStore open(Path folder, List<Column> columns, boolean create);
}
