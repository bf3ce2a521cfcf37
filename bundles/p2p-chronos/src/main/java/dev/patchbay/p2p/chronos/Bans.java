// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.p2p.chronos;

import dev.patchbay.api.p2p.PeerBan;
import dev.patchbay.api.p2p.PeerId;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * What is refused for a while: nodes that this node has dialed, by {@code HOST:PORT}, and the IP
 * addresses of others. The address that a peer states counts for nothing here, since another one
 * may state it. Threading: any thread.
 */
final class Bans {
  private static final int MAX_BANS = 1_000;

  private record Ban(Instant until, String reason) {}

  private final InstantSource clock;

  /** Guarded by this. */
  private final Map<String, Ban> bans = new HashMap<>();

  Bans(InstantSource clock) {
    this.clock = clock;
  }

  /**
   * Adds a ban, with too many in place of the one that ends first.
   *
   * @param subject {@code HOST:PORT} or an IP address
   */
  void add(String subject, Duration duration, String reason) {
    put(subject, new Ban(clock.instant().plus(duration), Connection.printable(reason)));
  }

  private synchronized void put(String subject, Ban ban) {
    expire();
    if (bans.size() >= MAX_BANS && !bans.containsKey(subject)) {
      bans.remove(list().get(0).url());
    }
    bans.put(subject, ban);
  }

  synchronized boolean contains(String subject) {
    Ban ban = bans.get(subject);
    return ban != null && clock.instant().isBefore(ban.until);
  }

  synchronized boolean remove(String subject) {
    expire();
    return bans.remove(subject) != null;
  }

  /** Returns the bans, the one first that ends first. */
  synchronized List<PeerBan> list() {
    expire();
    return bans.entrySet().stream()
        .map(
            entry ->
                new PeerBan(
                    new PeerId(Connection.NETWORK, entry.getKey()),
                    entry.getKey(),
                    entry.getValue().until,
                    entry.getValue().reason))
        .sorted(Comparator.comparing(PeerBan::until))
        .toList();
  }

  /** Returns the bans for a successor, as types of the JDK: subject, end, reason. */
  synchronized Object state() {
    expire();
    return bans.entrySet().stream()
        .map(ban -> List.<Object>of(ban.getKey(), ban.getValue().until, ban.getValue().reason))
        .toList();
  }

  /** Adds the bans of a predecessor; ignores anything that is not what {@link #state} returns. */
  void restore(@Nullable Object state) {
    if (state instanceof List<?> list) {
      for (Object entry : list) {
        if (entry instanceof List<?> parts
            && parts.size() == 3
            && parts.get(0) instanceof String subject
            && parts.get(1) instanceof Instant until
            && parts.get(2) instanceof String reason) {
          put(subject, new Ban(until, reason));
        }
      }
    }
  }

  private void expire() {
    Instant now = clock.instant();
    bans.values().removeIf(ban -> !now.isBefore(ban.until));
  }
}
