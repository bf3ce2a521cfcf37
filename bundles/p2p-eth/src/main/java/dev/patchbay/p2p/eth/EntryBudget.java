// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.p2p.eth;

import java.util.concurrent.atomic.AtomicLong;

/**
 * The entries that the sets of all peers together may have, beyond a few for each set. When there
 * are no more, a set does not grow: its oldest entries leave earlier. Threading: any thread.
 */
final class EntryBudget {
  /** Share of the heap: one in so many bytes. */
  private static final int HEAP_SHARE = 32;

  private final AtomicLong free;

  /**
   * Creates a budget.
   *
   * @param entries how many entries
   */
  EntryBudget(long entries) {
    free = new AtomicLong(entries);
  }

  /** Creates the budget for a heap. */
  static EntryBudget ofHeap() {
    return new EntryBudget(Runtime.getRuntime().maxMemory() / HEAP_SHARE / HashSetRing.ENTRY_BYTES);
  }

  /** Takes entries out of the budget; returns false when it has not so many. */
  boolean reserve(int entries) {
    long left = free.get();
    while (left >= entries) {
      if (free.compareAndSet(left, left - entries)) {
        return true;
      }
      left = free.get();
    }
    return false;
  }

  /** Returns entries that were reserved. */
  void release(int entries) {
    free.addAndGet(entries);
  }

  /** Returns how many entries are left. */
  long free() {
    return free.get();
  }
}
