// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.binding;

import java.time.InstantSource;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * The clock by which this node writes the times of its blocks, and judges those of other blocks.
 * Every component that does one of them takes the time here, so that a test of the whole node can
 * shift it: with the system property {@code patchbay.clock.ahead.seconds} the clock is ahead of the
 * system's by so many seconds, behind it when the number is negative. The property is for tests; on
 * a real network the blocks of such a node are late or early for all others.
 */
public final class BlockClock {
  /** System property, for tests, of the seconds by which the clock is ahead of the system's. */
  public static final String AHEAD = "patchbay.clock.ahead.seconds";

  private BlockClock() {}

  /**
   * Returns the clock of this process: the system's, unless a test shifts it.
   *
   * @param warn takes a message when the clock is shifted
   * @throws IllegalArgumentException when the property is not an integer
   */
  public static InstantSource system(Consumer<String> warn) {
    return shifted(InstantSource.system(), System.getProperty(AHEAD), warn);
  }

  static InstantSource shifted(
      InstantSource clock, @Nullable String property, Consumer<String> warn) {
    if (property == null || property.isBlank()) {
      return clock;
    }
    long seconds;
    try {
      seconds = Long.parseLong(property.strip());
    } catch (NumberFormatException malformed) {
      throw new IllegalArgumentException(
          AHEAD + " is '" + property + "', not an integer", malformed);
    }
    warn.accept("the clock of blocks is " + seconds + " s ahead: " + AHEAD + ", for tests, is set");
    return () -> clock.instant().plusSeconds(seconds);
  }
}
