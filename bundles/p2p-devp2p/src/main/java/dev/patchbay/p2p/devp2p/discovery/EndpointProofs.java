// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.p2p.devp2p.discovery;

import dev.patchbay.primitives.Hash;
import java.net.InetAddress;
import java.util.concurrent.TimeUnit;

/**
 * The endpoint proofs of version 4 (devp2p discv4.md, "Endpoint Proof"), in both directions: which
 * nodes have responded to a ping of this node, and which ones must believe that this node exists
 * because it has responded to theirs. A proof holds for a node id and an IP address together, and
 * for 12 hours.
 */
final class EndpointProofs {
  /** Age at which a proof expires. */
  static final long VALID_MILLIS = TimeUnit.HOURS.toMillis(12);

  /** Proofs in each direction; the oldest is evicted. */
  static final int MAX_PROOFS = 8_192;

  /** Proofs of a subnet in each direction: one for each address of an IPv4 /24. */
  static final int MAX_PROOFS_PER_SUBNET = 256;

  private final Timers timers;
  private final SubnetBoundedMap<Key, Long> pongs = bounded();
  private final SubnetBoundedMap<Key, Long> pings = bounded();

  private record Key(Hash id, InetAddress address) {}

  EndpointProofs(Timers timers) {
    this.timers = timers;
  }

  private static SubnetBoundedMap<Key, Long> bounded() {
    return new SubnetBoundedMap<>(MAX_PROOFS, MAX_PROOFS_PER_SUBNET, Key::address);
  }

  /** Records a valid Pong of a node. */
  void addPong(Hash id, InetAddress address) {
    pongs.put(new Key(id, address), timers.nowMillis());
  }

  /** Records a Ping of a node to which this node has responded. */
  void addPing(Hash id, InetAddress address) {
    pings.put(new Key(id, address), timers.nowMillis());
  }

  /** Returns whether a node has proven that it receives packets at an address. */
  boolean isProven(Hash id, InetAddress address) {
    return isValid(pongs, id, address);
  }

  /** Returns whether a node has a proof of this node's endpoint. */
  boolean isKnownTo(Hash id, InetAddress address) {
    return isValid(pings, id, address);
  }

  /** Removes the proof of {@link #isKnownTo}: the node does not respond, so it may have lost it. */
  void removePing(Hash id, InetAddress address) {
    pings.remove(new Key(id, address));
  }

  private boolean isValid(SubnetBoundedMap<Key, Long> proofs, Hash id, InetAddress address) {
    Long millis = proofs.get(new Key(id, address));
    return millis != null && timers.nowMillis() - millis < VALID_MILLIS;
  }
}
