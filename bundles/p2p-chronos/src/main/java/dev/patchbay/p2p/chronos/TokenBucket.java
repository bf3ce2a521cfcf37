// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.p2p.chronos;

import java.util.concurrent.TimeUnit;

/**
 * Limits a rate. Something may be taken while there is a token, also more than there are: the debt
 * has to be waited for. Threading: one thread at a time.
 */
final class TokenBucket {
  private final double capacity;
  private final double perNano;
  private double tokens;
  private long last;

  /**
   * Creates a full bucket.
   *
   * @param capacity tokens in {@code seconds} seconds, and at a time
   * @param now monotonic time in nanoseconds
   */
  TokenBucket(long capacity, long seconds, long now) {
    this.capacity = capacity;
    perNano = (double) capacity / TimeUnit.SECONDS.toNanos(seconds);
    tokens = capacity;
    last = now;
  }

  /** Takes tokens, also those that are missing. */
  void take(long count, long now) {
    refill(now);
    tokens -= count;
  }

  /** Returns for how many milliseconds nothing more should be taken. */
  long waitMillis(long now) {
    refill(now);
    return tokens >= 1
        ? 0
        : TimeUnit.NANOSECONDS.toMillis((long) Math.ceil((1 - tokens) / perNano)) + 1;
  }

  private void refill(long now) {
    tokens = Math.min(capacity, tokens + (now - last) * perNano);
    last = now;
  }
}
