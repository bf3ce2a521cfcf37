// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.storage.rocksdb;

import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.locks.LockSupport;

/**
 * Counts the calls that use a native resource, so that it is freed when none does. Unlike a lock it
 * allocates nothing and calls little: an error for want of memory or of stack cannot leave a call
 * counted. A call within a call is allowed.
 *
 * <p>Threading: {@link #enter} and {@link #exit} from any thread; {@link #shut} from one at a time.
 */
final class Gate {
  private static final long SHUT = Long.MIN_VALUE;
  private static final long POLL_NANOS = TimeUnit.MILLISECONDS.toNanos(1);

  /** The frames that must be left on the stack of a call; a few words each. */
  private static final int FRAMES = 64;

  private final AtomicLong calls = new AtomicLong();

  /**
   * Counts a call; returns false when the gate is shut.
   *
   * @throws StackOverflowError when there is no stack left for the call; it is not counted
   */
  boolean enter() {
    if (descend(FRAMES, 0, 0) == 0) {
      throw new AssertionError();
    }
    long before;
    do {
      before = calls.get();
      if (before < 0) {
        return false;
      }
    } while (!calls.compareAndSet(before, before + 1));
    return true;
  }

  /** Ends a call that {@link #enter} has counted. */
  void exit() {
    long before;
    do {
      before = calls.get();
    } while (!calls.compareAndSet(before, before - 1));
  }

  private static long descend(int frames, long a, long b) {
    return frames == 0 ? a + b : descend(frames - 1, a + frames, b + 1) + 1;
  }

  /** Refuses later calls, and waits for those under way. */
  void shut() {
    calls.updateAndGet(count -> count | SHUT);
    while (calls.get() != SHUT) {
      LockSupport.parkNanos(POLL_NANOS);
    }
  }
}
