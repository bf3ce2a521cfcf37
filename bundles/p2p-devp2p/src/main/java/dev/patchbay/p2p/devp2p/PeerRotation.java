// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.p2p.devp2p;

import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.List;
import java.util.random.RandomGenerator;
import org.jspecify.annotations.Nullable;

/**
 * Chooses a peer to disconnect from every 3 to 7 minutes, of those in whose place there is no room
 * for others, so that an attacker cannot occupy all places forever (eclipse attack). geth does the
 * same.
 *
 * <p>Threading: one thread at a time.
 */
final class PeerRotation {
  /** Time for which a new peer is exempt. */
  static final Duration PROTECTED = Duration.ofMinutes(10);

  private static final Duration MIN_INTERVAL = Duration.ofMinutes(3);
  private static final int INTERVAL_RANGE_SECONDS = 240;

  private final InstantSource clock;
  private final RandomGenerator random;
  private Instant next;

  PeerRotation(InstantSource clock, RandomGenerator random) {
    this.clock = clock;
    this.random = random;
    this.next = nextTime();
  }

  private Instant nextTime() {
    return clock
        .instant()
        .plus(MIN_INTERVAL)
        .plusSeconds(random.nextInt(INTERVAL_RANGE_SECONDS + 1));
  }

  /** Returns after how many milliseconds {@link #choose} is due; 0 when it is now. */
  long millisUntilDue() {
    return Math.max(0, Duration.between(clock.instant(), next).toMillis() + 1);
  }

  /**
   * Chooses a peer.
   *
   * @param candidates the peers that may be chosen
   * @return null when none is due
   */
  <C> @Nullable C choose(List<C> candidates) {
    if (clock.instant().isBefore(next)) {
      return null;
    }
    next = nextTime();
    return candidates.isEmpty() ? null : candidates.get(random.nextInt(candidates.size()));
  }
}
