// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.sync;

import dev.patchbay.api.p2p.ChainHead;
import dev.patchbay.api.p2p.Network;
import dev.patchbay.api.p2p.PeerBreachException;
import dev.patchbay.api.p2p.PeerId;
import dev.patchbay.api.p2p.PeerInfo;
import dev.patchbay.api.p2p.Peers;
import dev.patchbay.primitives.Block;
import dev.patchbay.primitives.Hash;
import dev.patchbay.primitives.UInt256;
import dev.patchbay.primitives.rlp.RlpException;
import java.time.Duration;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.function.LongSupplier;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Which peers to download from. A peer that does not reply is left out for a while, one whose chain
 * has turned out not to be better until it states another head, and one that has sent what is
 * invalid is banned.
 *
 * <p>Threading: any thread.
 */
final class SyncPeers {
  private static final Logger LOG = LoggerFactory.getLogger(SyncPeers.class);
  private static final Duration BAN = Duration.ofMinutes(10);
  private static final long REST_NANOS = TimeUnit.SECONDS.toNanos(15);
  private static final int MAX_REMEMBERED = 1_000;

  private final Peers peers;
  private final LongSupplier nanos;
  private final Map<PeerId, Long> restsUntil = new HashMap<>();
  private final Map<PeerId, Hash> exhausted = new HashMap<>();

  SyncPeers(Peers peers, LongSupplier nanos) {
    this.peers = peers;
    this.nanos = nanos;
  }

  Peers peers() {
    return peers;
  }

  /** Returns the peers that can be asked now: they have stated a head and do not rest. */
  synchronized List<PeerInfo> available() {
    long now = nanos.getAsLong();
    restsUntil.values().removeIf(until -> until - now <= 0);
    return peers.list().stream()
        .filter(peer -> peer.head() != null && !restsUntil.containsKey(peer.id()))
        .toList();
  }

  /**
   * Returns the peer with the best chain: the most total difficulty of those that state it, else
   * the longest.
   *
   * @return null when the chain of this node is as good as any
   */
  @Nullable PeerInfo best(Block head, UInt256 totalDifficulty) {
    return available().stream()
        .filter(peer -> isBetter(peer, head, totalDifficulty))
        .max(
            Comparator.comparing((PeerInfo peer) -> difficulty(peer))
                .thenComparing((a, b) -> Long.compareUnsigned(number(a), number(b))))
        .orElse(null);
  }

  private synchronized boolean isBetter(PeerInfo peer, Block head, UInt256 totalDifficulty) {
    ChainHead stated = peer.head();
    if (stated == null
        || stated.hash().equals(head.hash())
        || stated.hash().equals(exhausted.get(peer.id()))) {
      return false;
    }
    return stated.totalDifficulty() != null
        ? stated.totalDifficulty().compareTo(totalDifficulty) > 0
        : Long.compareUnsigned(number(peer), head.number()) > 0;
  }

  private static UInt256 difficulty(PeerInfo peer) {
    ChainHead head = peer.head();
    return head == null || head.totalDifficulty() == null ? UInt256.ZERO : head.totalDifficulty();
  }

  /** Returns the number of the block that a peer has as its head; 0 when it has not stated it. */
  static long number(PeerInfo peer) {
    ChainHead head = peer.head();
    return head == null || head.number() == null ? 0 : head.number();
  }

  /** Leaves out a peer that has not replied for a while. */
  synchronized void rest(PeerId peer, String reason) {
    LOG.debug("peer {} rests: {}", peer, reason);
    if (restsUntil.size() < MAX_REMEMBERED) {
      restsUntil.put(peer, nanos.getAsLong() + REST_NANOS);
    }
  }

  /** Notes that the chain up to the head that a peer states is not better than ours. */
  synchronized void exhausted(PeerInfo peer) {
    ChainHead head = peer.head();
    if (exhausted.size() >= MAX_REMEMBERED) {
      exhausted.clear();
    }
    if (head != null) {
      exhausted.put(peer.id(), head.hash());
    }
  }

  /** Disconnects from a peer that has sent what is invalid, and refuses it for a while. */
  void ban(PeerId id, String reason) {
    rest(id, reason);
    LOG.warn("peer {} is banned for {} minutes: {}", id, BAN.toMinutes(), reason);
    Network network = peers.network(id.network());
    for (PeerInfo peer : peers.list()) {
      if (peer.id().equals(id) && network != null) {
        network.ban(peer.url(), BAN);
      }
    }
  }

  /** Deals with a peer whose reply did not come, or violates the protocol. */
  void failed(PeerId peer, Throwable failure) {
    if (!banForBreach(peer, failure)) {
      rest(peer, String.valueOf(failure.getMessage()));
    }
  }

  /** Bans a peer whose reply violates the protocol; returns whether it does. */
  boolean banForBreach(PeerId peer, Throwable failure) {
    boolean isBreach = failure instanceof PeerBreachException || failure instanceof RlpException;
    if (isBreach) {
      ban(peer, String.valueOf(failure.getMessage()));
    }
    return isBreach;
  }
}
