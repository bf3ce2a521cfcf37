// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.api.storage;

import org.osgi.annotation.versioning.ConsumerType;

/**
 * An open store of ordered byte keys in columns. A {@link StorageBackend} opens it. A call with a
 * column that the store was not opened with throws {@link IllegalArgumentException}.
 *
 * <p>Threading: reads from any thread; one batch at a time.
 */
@ConsumerType
public interface KeyValueStore extends KeyReader, AutoCloseable {
  /**
   * Applies a batch: all of it or nothing, also across a crash. When the method returns, a durable
   * store has handed the batch to the operating system: it survives the end of the process. It
   * survives a power cut after the next {@link #flush()}; a later batch never survives without the
   * earlier ones.
   *
   * @throws StorageException when the batch could not be written; the store is as before, or closed
   *     for all further calls. An {@link Error} while the batch is written has the same effect.
   */
  void write(WriteBatch batch);

  /**
   * Returns when every batch written before survives a power cut. Does nothing in a store that is
   * not durable.
   *
   * @throws StorageException when the operating system reports a failure; the store is closed
   */
  void flush();

  /**
   * Opens a view of the present content. A view that is kept open while many entries change may
   * expire: its reads then throw {@link SnapshotExpiredException}.
   */
  Snapshot snapshot();

  /**
   * Sets the listener of this store, in place of the one before. When the store has failed already,
   * and no listener was notified, this one is notified now. A store that never fails need not
   * implement this method.
   */
  default void setListener(StoreListener listener) {}

  /** Returns the bytes that the store takes: on disk when durable, roughly in memory otherwise. */
  long sizeInBytes();

  /**
   * Flushes and closes the store; waits for reads under way, later calls throw {@link
   * StorageException}. Does nothing when the store is closed.
   */
  @Override
  void close();
}
