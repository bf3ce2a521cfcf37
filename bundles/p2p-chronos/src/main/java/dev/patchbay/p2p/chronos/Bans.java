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
   * Adds a ban.
   *
   * @param subject {@code HOST:PORT} or an IP address
   */
  synchronized void add(String subject, Duration duration, String reason) {
    expire();
    if (bans.size() < MAX_BANS || bans.containsKey(subject)) {
      bans.put(subject, new Ban(clock.instant().plus(duration), Connection.printable(reason)));
    }
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

  private void expire() {
    Instant now = clock.instant();
    bans.values().removeIf(ban -> !now.isBefore(ban.until));
  }
}
