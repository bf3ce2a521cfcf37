// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.api.storage;

import java.util.concurrent.locks.Lock;
import org.osgi.annotation.versioning.ConsumerType;

/** What the owner of a {@link NamedStore} contributes when its store is opened or moved. */
@ConsumerType
public interface StoreOwner {
  /**
   * Returns the reentrant lock that the owner holds around each {@link NamedStore#write} and around
   * writes that belong together. A migration holds it for moments while it copies and, when it
   * replaces the store, while it compares and flushes the last batches.
   */
  Lock writeLock();

  /**
   * Writes the first content of a store that has none. The storage kernel flushes it and writes the
   * choice of the backend afterwards, so that a crash in between starts again with an empty store.
   *
   * @throws StorageException when the content cannot be written
   */
  void initialize(KeyValueStore store);

  /**
   * Checks a store before it is bound, and takes over what the owner keeps in memory of it. Called
   * with {@link #writeLock()} held.
   *
   * @throws StorageException when the store does not hold what the owner expects; the message says
   *     what to do. The store is not bound
   */
  void opened(KeyValueStore store);

  /**
   * Describes the content of a store in a few words for messages, such as "block 12 0xabcd…"; the
   * store may be an older copy, or incomplete.
   */
  String describe(KeyReader store);
}
