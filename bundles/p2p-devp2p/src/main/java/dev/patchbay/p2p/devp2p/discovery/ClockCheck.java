// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.p2p.devp2p.discovery;

import dev.patchbay.primitives.Bytes;
import java.net.InetAddress;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * Detects a wrong clock of this machine. By the expirations of version 4 a node whose clock is
 * ahead drops all packets, and the packets of a node whose clock is behind are dropped by others.
 *
 * <p>Each subnet has one vote, its latest packet, as in {@link AddressPredictor}. A signature would
 * add nothing: anyone can sign with a new key. The only consequence is a warning, at most one an
 * hour.
 *
 * <p>Threading: any thread.
 */
final class ClockCheck {
  /** Subnets that must agree, besides being more than three quarters of all. */
  static final int MIN_VOTES = 3;

  static final int MAX_VOTES = 128;

  /** Age at which a vote expires. */
  static final long WINDOW_MILLIS = TimeUnit.MINUTES.toMillis(10);

  /** Least time between two warnings. */
  static final long PAUSE_MILLIS = TimeUnit.HOURS.toMillis(1);

  /** An expiration that is later is not one of a right clock: clients use 20 to 60 s. */
  private static final long MAX_VALID_SECONDS = 600;

  /** Difference of two packets whose senders have the same time. */
  private static final long TOLERANCE_SECONDS = 60;

  private final Timers timers;
  private final Consumer<String> warn;

  /** By subnet, the oldest first; guarded by this. */
  private final Map<Bytes, Vote> votes = new LinkedHashMap<>();

  private long nextWarning;
  private volatile @Nullable String latest;

  /**
   * A packet.
   *
   * @param age seconds since it has expired; negative when it has not
   */
  private record Vote(long age, long millis) {
    boolean isWrong() {
      return age > 0 || age < -MAX_VALID_SECONDS;
    }
  }

  ClockCheck(Timers timers, Consumer<String> warn) {
    this.timers = timers;
    this.warn = warn;
  }

  /** Adds a packet; both times are in seconds since the Unix epoch. */
  synchronized void add(InetAddress source, long expiration, long now) {
    long millis = timers.nowMillis();
    Bytes voter =
        Addresses.isLan(source) ? Bytes.wrap(source.getAddress()) : Subnets.prefix(source);
    Vote vote = new Vote(now - expiration, millis);
    votes.remove(voter);
    votes.put(voter, vote);
    if (votes.size() > MAX_VOTES) {
      votes.remove(votes.keySet().iterator().next());
    }
    if (vote.isWrong() && millis >= nextWarning) {
      votes.values().removeIf(other -> millis - other.millis() > WINDOW_MILLIS);
      decide(millis);
    }
  }

  private void decide(long millis) {
    List<Long> ages =
        votes.values().stream().filter(Vote::isWrong).map(Vote::age).sorted().toList();
    long median = ages.get(ages.size() / 2);
    long agreeing =
        ages.stream().filter(age -> Math.abs(age - median) <= TOLERANCE_SECONDS).count();
    if (agreeing < MIN_VOTES || 4 * agreeing <= 3L * votes.size()) {
      return;
    }
    String text =
        "the clock of this machine is about "
            + Math.abs(median + DiscoveryV4.EXPIRATION_SECONDS)
            + (median > 0 ? " s ahead of" : " s behind")
            + " the clocks of other nodes: node discovery v4 does not work. Set the clock of the"
            + " system, and keep it right with NTP";
    nextWarning = millis + PAUSE_MILLIS;
    latest = text;
    warn.accept(text);
  }

  /** Returns the latest warning; null when there was none. */
  @Nullable String latest() {
    return latest;
  }
}
