// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.api.storage;

import org.osgi.annotation.versioning.ConsumerType;

/**
 * A store of ordered byte keys in columns. Registered as a service with the property {@value #ID}.
 *
 * <p>Threading: reads from any thread; one batch at a time.
 */
@ConsumerType
public interface KeyValueStore extends KeyReader {
  /** Service property: the name that operators choose the store by. */
  String ID = "storage.id";

  /** Returns the name that operators choose the store by. */
  String id();

  /** Returns whether entries survive the end of the process. */
  boolean isDurable();

  /**
   * Applies a batch: all of it or nothing, also across a crash. When the method returns, a durable
   * store has handed the batch to the operating system.
   *
   * @throws StorageException when the batch could not be written; the store is as before
   */
  void write(WriteBatch batch);

  /** Opens a view of the present content. */
  Snapshot snapshot();

  /**
   * Removes every entry, at a cost that does not grow with them.
   *
   * @throws StorageException when a snapshot is open and the store cannot keep its content
   */
  void clear();

  /** Returns the bytes that the store takes: on disk when durable, roughly in memory otherwise. */
  long sizeInBytes();
}
