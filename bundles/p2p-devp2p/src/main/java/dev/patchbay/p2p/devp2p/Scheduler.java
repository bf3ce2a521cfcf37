// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.p2p.devp2p;

import java.time.Duration;
import java.util.function.BooleanSupplier;

/** Runs tasks after a time, one at a time. Threading: any thread. */
interface Scheduler {
  /** Runs a task once. It may block, and must not throw. Does nothing after the end. */
  void schedule(Duration delay, Runnable task);

  /**
   * Repeats an attempt until it succeeds. The pause before it doubles with each failure.
   *
   * @param pause before the first attempt
   * @param max greatest pause
   * @param attempt returns whether it has succeeded; must not throw
   */
  default void retry(Duration pause, Duration max, BooleanSupplier attempt) {
    schedule(
        pause,
        () -> {
          if (!attempt.getAsBoolean()) {
            retry(doubled(pause, max), max, attempt);
          }
        });
  }

  /** Returns twice a pause, at most {@code max}. */
  static Duration doubled(Duration pause, Duration max) {
    Duration doubled = pause.multipliedBy(2);
    return doubled.compareTo(max) < 0 ? doubled : max;
  }
}
