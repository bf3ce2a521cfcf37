// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.p2p.devp2p;

import dev.patchbay.p2p.devp2p.discovery.Addresses;
import dev.patchbay.primitives.Bytes;
import java.net.InetAddress;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.HashMap;
import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.Map;

/**
 * Decides which connections are accepted, before a byte of them is read: at most a number of them
 * in handshakes at a time, in total and of one source, and one in 30 seconds from a source. A
 * source is an IPv4 address or an IPv6 /64. The own machine and private networks are exempt from
 * the interval, and the own machine from the number of one source.
 *
 * <p>Threading: any thread.
 */
final class InboundLimiter {
  /** Connections in handshakes at a time; as geth. */
  static final int MAX_PENDING = 50;

  /** Connections of one source in handshakes at a time: one host must not occupy all places. */
  static final int MAX_PENDING_PER_SOURCE = MAX_PENDING / 2;

  /** Time between two connections from a source; as geth. */
  static final Duration INTERVAL = Duration.ofSeconds(30);

  /** Sources whose latest connection is known; with more, the oldest ones are evicted. */
  private static final int MAX_SOURCES = 10_000;

  private final InstantSource clock;
  private final NetRestrict networks;

  // guarded by this
  private final Map<Bytes, Instant> attempts = new LinkedHashMap<>();
  private final Map<Bytes, Integer> pendingBySource = new HashMap<>();
  private int pending;

  InboundLimiter(InstantSource clock, NetRestrict networks) {
    this.clock = clock;
    this.networks = networks;
  }

  /**
   * Decides about a connection. Each one that is accepted must be followed by one {@link
   * #handshakeEnded}.
   */
  synchronized boolean accept(InetAddress address) {
    Bytes source = Addresses.source(address);
    boolean isCrowded =
        !address.isLoopbackAddress()
            && pendingBySource.getOrDefault(source, 0) >= MAX_PENDING_PER_SOURCE;
    if (pending >= MAX_PENDING
        || isCrowded
        || !networks.allows(address)
        || isTooEarly(address, source)) {
      return false;
    }
    pending++;
    pendingBySource.merge(source, 1, Integer::sum);
    return true;
  }

  private boolean isTooEarly(InetAddress address, Bytes source) {
    if (Addresses.isLan(address)) {
      return false;
    }
    Instant now = clock.instant();
    Iterator<Instant> oldest = attempts.values().iterator();
    while (oldest.hasNext() && !now.isBefore(oldest.next().plus(INTERVAL))) {
      oldest.remove();
    }
    if (attempts.containsKey(source)) {
      return true; // which does not count: several nodes may have one address
    }
    attempts.put(source, now);
    if (attempts.size() > MAX_SOURCES) {
      attempts.remove(attempts.keySet().iterator().next());
    }
    return false;
  }

  /**
   * Records that a handshake has succeeded, or that its connection has ended.
   *
   * @param address that of {@link #accept}
   */
  synchronized void handshakeEnded(InetAddress address) {
    pending--;
    pendingBySource.computeIfPresent(
        Addresses.source(address), (source, count) -> count == 1 ? null : count - 1);
  }

  /** Returns the number of connections in handshakes. */
  synchronized int pending() {
    return pending;
  }
}
