// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.p2p.chronos;

/**
 * How fast a connection, or all connections of a host, may send: messages, bytes and pulls.
 * Threading: any thread.
 */
final class Rates {
  // guarded by this
  private final TokenBucket count;
  private final TokenBucket bytes;
  private final TokenBucket pulls;

  /**
   * Creates full buckets.
   *
   * @param connections for how many connections
   * @param now monotonic time in nanoseconds
   */
  Rates(int connections, long now) {
    count = new TokenBucket((long) connections * Limits.MESSAGES_PER_SECOND, 1, now);
    bytes = new TokenBucket((long) connections * Limits.MAX_BYTES, Limits.BYTES_SECONDS, now);
    pulls = new TokenBucket((long) connections * Limits.PULLS_PER_SECOND, 1, now);
  }

  /** Counts a message. */
  synchronized void received(int size, long now) {
    count.take(1, now);
    bytes.take(size, now);
  }

  /** Counts a PULL_BLOCK, in addition to its message. */
  synchronized void pulled(long now) {
    pulls.take(1, now);
  }

  /** Returns for how many milliseconds nothing more should be read. */
  synchronized long waitMillis(long now) {
    return Math.max(pulls.waitMillis(now), Math.max(count.waitMillis(now), bytes.waitMillis(now)));
  }
}
