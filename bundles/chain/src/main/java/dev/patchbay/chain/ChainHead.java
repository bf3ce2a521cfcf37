// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.chain;

import dev.patchbay.api.storage.KeyReader;
import dev.patchbay.api.storage.NamedStore;
import dev.patchbay.api.storage.StorageUnavailableException;
import dev.patchbay.api.storage.StoreLease;
import dev.patchbay.primitives.Block;
import dev.patchbay.primitives.Hash;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/**
 * The head in memory and the store whose head it is. After an error that leaves the head of the
 * store unknown, the head is stale: every method that reads asks for recovery first.
 *
 * <p>Threading: one thread at a time sets the head, under the import lock; any number read.
 */
final class ChainHead {
  /** Null until {@link #attach}: the store is opened before it can be attached. */
  private volatile @Nullable NamedStore storage;

  private volatile @Nullable Block head;

  /** The next head while it is written: the store has it before {@link #head}. */
  private volatile @Nullable Block nextHead;

  /** Why the head in memory may differ from the head of the store; null when they are the same. */
  private volatile @Nullable String staleReason;

  private volatile Runnable recovery = () -> {};

  /** Sets the store that is read and written from now on. */
  void attach(NamedStore store) {
    storage = store;
  }

  NamedStore storage() {
    NamedStore attached = storage;
    if (attached == null) {
      throw new StorageUnavailableException("storage unavailable: the chain is not open yet");
    }
    return attached;
  }

  /** Sets the task that brings the head in memory and the head of the store together again. */
  void onStale(Runnable task) {
    recovery = task;
  }

  /** Runs the recovery when the head is stale, and throws when it still is afterwards. */
  void requireFresh() {
    if (staleReason == null) {
      return;
    }
    recovery.run();
    String reason = staleReason;
    if (reason != null) {
      storage().requireBound(); // an unbound store has a reason of its own
      throw new StorageUnavailableException(
          "storage unavailable: " + reason + "; the node reads the store again");
    }
  }

  boolean isStale() {
    return staleReason != null;
  }

  void setStale(String reason) {
    staleReason = reason;
  }

  /** Notes that the head in memory is the head of the store. */
  void setFresh() {
    staleReason = null;
  }

  /** Reads from the store that is bound now. */
  <T extends @Nullable Object> T read(Function<KeyReader, T> reading) {
    requireFresh();
    try (StoreLease lease = storage().lease()) {
      return reading.apply(lease.get());
    }
  }

  /** Returns the head. */
  Block get() {
    Block next = nextHead;
    if (next != null && isHeadOfStore(next)) {
      return next; // a caller who has seen one of its receipts must not get an older head
    }
    return settled();
  }

  /**
   * Returns the head that was written last. Unless it is stale the store is not read, so that the
   * caller does not wait for one that is being written.
   */
  Block settled() {
    requireFresh();
    Block block = head;
    storage().requireBound();
    if (block == null) {
      throw new StorageUnavailableException("storage unavailable: the chain is not open yet");
    }
    return block;
  }

  private boolean isHeadOfStore(Block block) {
    byte[] stored = read(reader -> reader.get(Columns.META, Keys.HEAD));
    return stored != null && block.hash().equals(Hash.of(stored));
  }

  /** Returns the head in memory, whether a store is bound or not; null before the first one. */
  @Nullable Block cached() {
    return head;
  }

  /** Sets the head that is being written; null when none is. */
  void setNext(@Nullable Block block) {
    nextHead = block;
  }

  void set(Block block) {
    head = block;
  }
}
