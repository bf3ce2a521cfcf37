// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.p2p.devp2p.discovery;

import dev.patchbay.primitives.Hash;
import java.net.InetSocketAddress;
import java.util.HashMap;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * The WHOAREYOU packets of version 5 that wait for a handshake. There is at most one for a node id
 * and endpoint, at most {@link #MAX_CHALLENGES} in total, and each one waits a second.
 */
final class V5Challenges {
  /** Time limit of a handshake (geth's value). */
  static final long TIMEOUT_MILLIS = 1_000;

  /**
   * Greatest number of challenges: what the gate admits in a second, so that a flood from forged
   * sources does not keep others from a handshake.
   */
  static final int MAX_CHALLENGES = 2 * AdmissionGate.RATE;

  private final Timers timers;
  private final Map<Key, Waiting> waiting = new HashMap<>();

  private record Key(Hash id, InetSocketAddress endpoint) {}

  private record Waiting(Challenge challenge, Timers.Timer timeout) {}

  /**
   * A challenge that was sent.
   *
   * @param packet the whole packet
   * @param data what the handshake signs
   * @param record that this node has of the other one; null when it has none
   */
  record Challenge(byte[] packet, byte[] data, @Nullable NodeRecord record) {}

  V5Challenges(Timers timers) {
    this.timers = timers;
  }

  /** Returns the challenge that waits; null when there is none. */
  @Nullable Challenge get(Hash id, InetSocketAddress endpoint) {
    Waiting found = waiting.get(new Key(id, endpoint));
    return found == null ? null : found.challenge();
  }

  /** Adds a challenge; returns false when there are too many. */
  boolean add(Hash id, InetSocketAddress endpoint, Challenge challenge) {
    if (waiting.size() >= MAX_CHALLENGES) {
      return false;
    }
    Key key = new Key(id, endpoint);
    Timers.Timer timeout = timers.schedule(TIMEOUT_MILLIS, () -> waiting.remove(key));
    waiting.put(key, new Waiting(challenge, timeout));
    return true;
  }

  /**
   * Removes the challenge and returns it: one handshake may respond to it. Null when there is none.
   */
  @Nullable Challenge take(Hash id, InetSocketAddress endpoint) {
    Waiting found = waiting.remove(new Key(id, endpoint));
    if (found == null) {
      return null;
    }
    found.timeout().cancel();
    return found.challenge();
  }

  /** Returns the number of challenges that wait. */
  int size() {
    return waiting.size();
  }
}
