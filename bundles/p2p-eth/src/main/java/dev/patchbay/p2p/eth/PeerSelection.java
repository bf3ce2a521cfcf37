// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.p2p.eth;

import dev.patchbay.primitives.Address;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashSet;
import java.util.List;
import java.util.Set;

/**
 * Chooses which peers get a transaction in full: the square root of their number, and all when they
 * are few. The choice depends on the sender of the transaction, so that its nonces take the same
 * paths in order, and on a key of this node, so that no peer can foresee it. Threading: any thread.
 */
final class PeerSelection {
  private static final int FEW = 4;

  private final SipHash keyed;

  PeerSelection(SipHash keyed) {
    this.keyed = keyed;
  }

  /** Returns the peers that get the transactions of a sender in full. */
  Set<EthPeer> direct(List<EthPeer> peers, Address sender) {
    if (peers.size() <= FEW) {
      return new HashSet<>(peers);
    }
    record Ranked(EthPeer peer, long score) {}
    List<Ranked> ranked = new ArrayList<>();
    for (EthPeer peer : peers) {
      byte[] id = peer.id().value().getBytes(StandardCharsets.UTF_8);
      ByteBuffer input = ByteBuffer.allocate(id.length + Address.SIZE);
      input.put(id).put(sender.unsafeArray());
      ranked.add(new Ranked(peer, keyed.hash(input.array())));
    }
    ranked.sort(Comparator.comparingLong(Ranked::score));
    Set<EthPeer> chosen = new HashSet<>();
    int count = (int) Math.ceil(Math.sqrt(peers.size()));
    ranked.subList(0, count).forEach(one -> chosen.add(one.peer()));
    return chosen;
  }
}
