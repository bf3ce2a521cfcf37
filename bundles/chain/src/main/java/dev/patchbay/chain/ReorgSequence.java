// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.chain;

import dev.patchbay.api.storage.StorageException;
import java.util.concurrent.locks.LockSupport;

/**
 * A sequence lock over reorgs: a reader of several values notes the sequence first, and discards
 * what it read when the sequence has moved. Extensions of the chain do not count.
 *
 * <p>Threading: one thread at a time begins and ends a reorg; any number read.
 */
final class ReorgSequence {
  private static final long MAX_WAIT_NANOS = 5_000_000_000L;
  private static final long PAUSE_NANOS = 100_000L;

  /** Odd while a reorg is written. */
  private volatile long sequence;

  void begin() {
    sequence++;
  }

  void end() {
    sequence++;
  }

  /** Returns whether no reorg has begun since a sequence was noted. */
  boolean isCurrent(long noted) {
    return sequence == noted;
  }

  /**
   * Returns the sequence when no reorg is being written.
   *
   * @throws StorageException when one is being written for 5 seconds
   */
  long awaitStable() {
    long start = System.nanoTime();
    long seen = sequence;
    while ((seen & 1) != 0) {
      if (System.nanoTime() - start > MAX_WAIT_NANOS) {
        throw new StorageException("a reorg is being written; ask again");
      }
      LockSupport.parkNanos(PAUSE_NANOS);
      seen = sequence;
    }
    return seen;
  }
}
