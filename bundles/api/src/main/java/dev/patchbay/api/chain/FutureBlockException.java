// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.api.chain;

/**
 * Thrown when a block or header is from the future: its timestamp is ahead of the clock of this
 * node. The same block may be valid later, so a rejection must not be remembered.
 */
public final class FutureBlockException extends InvalidBlockException {
  /**
   * Seconds by which a block may be ahead of the clock of this node without a fault of the peer
   * that sent it (geth, {@code allowedFutureBlockTimeSeconds}).
   */
  public static final long MAX_AHEAD_SECONDS = 15;

  private static final long serialVersionUID = 1L;

  private final long timestamp;
  private final long now;

  /**
   * Creates an exception.
   *
   * @param timestamp timestamp of the block, in seconds since the Unix epoch, unsigned
   * @param now time of the clock, in seconds since the Unix epoch
   */
  public FutureBlockException(long timestamp, long now) {
    super("timestamp " + Long.toUnsignedString(timestamp) + " is in the future, now is " + now);
    this.timestamp = timestamp;
    this.now = now;
  }

  /** Returns the timestamp of the block, in seconds since the Unix epoch, unsigned. */
  public long timestamp() {
    return timestamp;
  }

  /** Returns whether the block is at most {@link #MAX_AHEAD_SECONDS} ahead of the clock. */
  public boolean isDueSoon() {
    return Long.compareUnsigned(timestamp - now, MAX_AHEAD_SECONDS) <= 0;
  }
}
