// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.p2p.devp2p.discovery;

import dev.patchbay.primitives.Hash;
import java.net.InetAddress;
import java.util.LinkedHashMap;
import java.util.Map;
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

  private final Timers timers;
  private final Map<Key, Long> pongs = bounded();
  private final Map<Key, Long> pings = bounded();

  private record Key(Hash id, InetAddress address) {}

  EndpointProofs(Timers timers) {
    this.timers = timers;
  }

  private static Map<Key, Long> bounded() {
    return new LinkedHashMap<>() {
      private static final long serialVersionUID = 1L;

      @Override
      protected boolean removeEldestEntry(Map.Entry<Key, Long> eldest) {
        return size() > MAX_PROOFS;
      }
    };
  }

  /** Records a valid Pong of a node. */
  void addPong(Hash id, InetAddress address) {
    put(pongs, new Key(id, address));
  }

  /** Records a Ping of a node to which this node has responded. */
  void addPing(Hash id, InetAddress address) {
    put(pings, new Key(id, address));
  }

  private void put(Map<Key, Long> proofs, Key key) {
    proofs.remove(key);
    proofs.put(key, timers.nowMillis());
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

  private boolean isValid(Map<Key, Long> proofs, Hash id, InetAddress address) {
    Long millis = proofs.get(new Key(id, address));
    return millis != null && timers.nowMillis() - millis < VALID_MILLIS;
  }
}
