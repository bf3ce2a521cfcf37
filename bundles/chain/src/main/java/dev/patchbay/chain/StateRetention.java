// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.chain;

import dev.patchbay.api.state.StateProvider.History;
import dev.patchbay.api.storage.StorageException;

/**
 * Which states are available: a state is when all blocks above it can be unwound.
 *
 * <p>Threading: one thread at a time writes, any number read.
 */
final class StateRetention {
  private final long blocks;

  private volatile long oldestChangeSet = 1;

  /**
   * Creates the retention of a chain.
   *
   * @param blocks how many blocks can be unwound; {@link Long#MAX_VALUE} for all
   */
  StateRetention(long blocks) {
    this.blocks = blocks;
  }

  /** Returns how many blocks can be unwound; {@link Long#MAX_VALUE} for all. */
  long blocks() {
    return blocks;
  }

  /** Returns the number of the first block with a change set. */
  long oldestChangeSet() {
    return oldestChangeSet;
  }

  void setOldestChangeSet(long number) {
    oldestChangeSet = number;
  }

  /** Returns the number of the first block whose state is available. */
  long oldestState() {
    return Math.max(0, oldestChangeSet - 1);
  }

  /** Returns whether the state after a canonical block is available. */
  boolean isAvailable(long number) {
    return number + 1 >= oldestChangeSet;
  }

  /**
   * Throws when the state after a canonical block is not available.
   *
   * @throws StorageException when it is not
   */
  void require(long number) {
    if (!isAvailable(number)) {
      throw new StorageException(
          "the state after block "
              + number
              + " is not kept: the first is that after block "
              + (oldestChangeSet - 1));
    }
  }

  History toHistory() {
    return new History(oldestState(), blocks == Long.MAX_VALUE ? null : blocks);
  }
}
