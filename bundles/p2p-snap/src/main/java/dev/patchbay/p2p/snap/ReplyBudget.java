// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.p2p.snap;

import java.util.function.LongSupplier;

/**
 * How much more a reply takes: bytes and time. What exceeds it is still a part of the reply, so
 * that each reply makes progress. Threading: one thread.
 */
final class ReplyBudget {
  private final long maxBytes;
  private final LongSupplier nanos;
  private final long deadline;
  private long bytes;

  /**
   * Creates the budget of a reply.
   *
   * @param requested bytes that the request allows, unsigned 64 bits
   * @param nanos monotonic time in nanoseconds
   */
  ReplyBudget(long requested, LongSupplier nanos) {
    maxBytes =
        Long.compareUnsigned(requested, SnapLimits.SOFT_REPLY_BYTES) < 0
            ? requested
            : SnapLimits.SOFT_REPLY_BYTES;
    this.nanos = nanos;
    deadline = nanos.getAsLong() + SnapLimits.MAX_WORK.toNanos();
  }

  /** Adds the size of an item. */
  void add(int size) {
    bytes += size;
  }

  /** Returns whether more bytes were added than the request allows, or the time is over. */
  boolean isExceeded() {
    return bytes > maxBytes || isLate();
  }

  /** Returns whether as many bytes were added as the request allows, or the time is over. */
  boolean isUsedUp() {
    return bytes >= maxBytes || isLate();
  }

  /** Returns whether a storage that was begun must end here. */
  boolean isSlackUsedUp() {
    return bytes >= maxBytes + maxBytes / SnapLimits.STORAGE_SLACK_PART || isLate();
  }

  private boolean isLate() {
    return nanos.getAsLong() - deadline >= 0;
  }
}
