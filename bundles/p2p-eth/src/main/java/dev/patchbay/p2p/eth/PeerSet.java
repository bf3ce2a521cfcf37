// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.p2p.eth;

import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;

/** The peers whose handshakes have succeeded, of all versions. Threading: any thread. */
final class PeerSet {
  private final List<EthPeer> peers = new CopyOnWriteArrayList<>();

  /** Adds a peer. */
  void add(EthPeer peer) {
    peers.add(peer);
  }

  /** Removes a peer; does nothing when it is not there. */
  void remove(EthPeer peer) {
    peers.remove(peer);
  }

  /** Returns the peers now. */
  List<EthPeer> list() {
    return List.copyOf(peers);
  }

  /** Returns whether there are none. */
  boolean isEmpty() {
    return peers.isEmpty();
  }
}
