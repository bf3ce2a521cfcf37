// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.p2p.eth;

import dev.patchbay.primitives.Address;
import dev.patchbay.primitives.Hash;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashSet;
import java.util.List;
import java.util.Set;

/**
 * Chooses which peers get a transaction or a block in full: the square root of their number, and
 * all when they are few. The choice depends on the sender of the transaction, so that its nonces
 * take the same paths in order, or on the block, and on a key of this node, so that no peer can
 * foresee it. Threading: any thread.
 */
final class PeerSelection {
  private static final int FEW = 4;

  private final SipHash keyed;

  PeerSelection(SipHash keyed) {
    this.keyed = keyed;
  }

  /** Returns the peers that get the transactions of a sender in full. */
  Set<EthPeer> direct(List<EthPeer> peers, Address sender) {
    return choose(peers, sender.unsafeArray(), root(peers));
  }

  /** Returns the peers that get a block in full: four at least. */
  Set<EthPeer> direct(List<EthPeer> peers, Hash block) {
    return choose(peers, block.unsafeArray(), Math.max(FEW, root(peers)));
  }

  private static int root(List<EthPeer> peers) {
    return (int) Math.ceil(Math.sqrt(peers.size()));
  }

  private Set<EthPeer> choose(List<EthPeer> peers, byte[] salt, int count) {
    if (peers.size() <= FEW) {
      return new HashSet<>(peers);
    }
    record Ranked(EthPeer peer, long score) {}
    List<Ranked> ranked = new ArrayList<>();
    for (EthPeer peer : peers) {
      byte[] id = peer.id().value().getBytes(StandardCharsets.UTF_8);
      ByteBuffer input = ByteBuffer.allocate(id.length + salt.length);
      input.put(id).put(salt);
      ranked.add(new Ranked(peer, keyed.hash(input.array())));
    }
    ranked.sort(Comparator.comparingLong(Ranked::score));
    Set<EthPeer> chosen = new HashSet<>();
    ranked.subList(0, count).forEach(one -> chosen.add(one.peer()));
    return chosen;
  }
}
