// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.api.storage;

import org.osgi.annotation.versioning.ProviderType;

/**
 * A store by its name, in whatever backend it is now. Threading: any thread; writes by the owner
 * alone, with its {@link StoreOwner#writeLock()} held.
 */
@ProviderType
public interface NamedStore extends AutoCloseable {
  /**
   * Leases the store that is bound now for one unit of work, such as a request or a block. A
   * migration that replaces the store waits for the leases on the old one before it is closed.
   *
   * @throws StorageUnavailableException when no store is bound; the message says why
   */
  StoreLease lease();

  /**
   * Throws when no store is bound.
   *
   * @throws StorageUnavailableException when no store is bound; the message says why
   */
  void requireBound();

  /** Returns whether a store is bound. */
  boolean isBound();

  /**
   * Applies a batch to the store that is bound now, see {@link KeyValueStore#write}.
   *
   * @throws StorageUnavailableException when no store is bound
   * @throws StorageException when the batch could not be written
   */
  void write(WriteBatch batch);

  /**
   * Returns when every batch written before survives a power cut, see {@link KeyValueStore#flush}.
   *
   * @throws StorageUnavailableException when no store is bound
   */
  void flush();

  /** Ends the ownership: waits for leases, closes the store and frees the name. */
  @Override
  void close();
}
