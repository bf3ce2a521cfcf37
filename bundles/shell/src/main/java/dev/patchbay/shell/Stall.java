// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.shell;

import java.time.Duration;

/**
 * Detects a start without progress: the observed state has not changed for some time, and the
 * process used less than a fifth of one processor meanwhile. Threading: one thread.
 */
final class Stall {
  private static final int BUSY_SHARE = 5;

  private Object state;
  private long sinceNanos;
  private long sinceCpuNanos;

  /**
   * Creates a detector.
   *
   * @param nowNanos the time, as {@link System#nanoTime} gives it
   * @param cpuNanos processor time that the process has used
   */
  Stall(Object state, long nowNanos, long cpuNanos) {
    this.state = state;
    this.sinceNanos = nowNanos;
    this.sinceCpuNanos = cpuNanos;
  }

  /**
   * Returns whether there was no progress for at least a limit.
   *
   * @param next the state now, compared with {@link Object#equals}
   */
  boolean isStalled(Object next, long nowNanos, long cpuNanos, Duration limit) {
    long elapsed = nowNanos - sinceNanos;
    boolean busy = cpuNanos - sinceCpuNanos > elapsed / BUSY_SHARE;
    if (!next.equals(state) || (elapsed >= limit.toNanos() && busy)) {
      state = next;
      sinceNanos = nowNanos;
      sinceCpuNanos = cpuNanos;
      return false;
    }
    return elapsed >= limit.toNanos();
  }
}
