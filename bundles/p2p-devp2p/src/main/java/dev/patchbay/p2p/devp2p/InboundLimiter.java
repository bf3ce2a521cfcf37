// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.p2p.devp2p;

import dev.patchbay.p2p.devp2p.discovery.Addresses;
import java.net.InetAddress;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.Map;

/**
 * Decides which connections are accepted, before a byte of them is read: at most a number of them
 * in handshakes at a time, and one in 30 seconds from an address. Addresses of the own machine and
 * of private networks are exempt from the interval.
 *
 * <p>Threading: any thread.
 */
final class InboundLimiter {
  /** Connections in handshakes at a time; as geth. */
  static final int MAX_PENDING = 50;

  /** Time between two connections from an address; as geth. */
  static final Duration INTERVAL = Duration.ofSeconds(30);

  /** Addresses that are remembered; with more, the oldest ones are evicted. */
  private static final int MAX_ADDRESSES = 10_000;

  private final InstantSource clock;
  private final NetRestrict networks;

  // guarded by this
  private final Map<InetAddress, Instant> attempts = new LinkedHashMap<>();
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
    if (pending >= MAX_PENDING || !networks.allows(address) || isTooEarly(address)) {
      return false;
    }
    pending++;
    return true;
  }

  private boolean isTooEarly(InetAddress address) {
    if (Addresses.isLan(address)) {
      return false;
    }
    Instant now = clock.instant();
    Iterator<Instant> oldest = attempts.values().iterator();
    while (oldest.hasNext() && !now.isBefore(oldest.next().plus(INTERVAL))) {
      oldest.remove();
    }
    if (attempts.containsKey(address)) {
      return true; // which does not count: several nodes may have one address
    }
    attempts.put(address, now);
    if (attempts.size() > MAX_ADDRESSES) {
      attempts.remove(attempts.keySet().iterator().next());
    }
    return false;
  }

  /** Records that a handshake has succeeded, or that its connection has ended. */
  synchronized void handshakeEnded() {
    pending--;
  }

  /** Returns the number of connections in handshakes. */
  synchronized int pending() {
    return pending;
  }
}
