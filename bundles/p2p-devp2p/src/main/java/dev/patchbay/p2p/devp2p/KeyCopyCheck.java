// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.p2p.devp2p;

import dev.patchbay.p2p.devp2p.rlpx.NodeId;
import java.net.InetSocketAddress;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * Detects that another node uses the key of this node. Peers keep one connection for each key: they
 * refuse, or end, those of this node as "already connected" although it has none with them. One
 * refusal is no proof: after a crash a peer keeps the old connection until it times out. Nor is it
 * a proof what a single stranger does: any peer can send that reason.
 *
 * <p>Threading: any thread. {@code warn} is called at most once, under the lock.
 */
final class KeyCopyCheck {
  /** Refusals of a peer without a connection in between that are evidence. */
  static final int MIN_REFUSALS = 3;

  /** Time between the first and the last of them: longer than a dead connection stays. */
  static final Duration MIN_TIME = Duration.ofMinutes(2);

  /**
   * Peers that have refused connections so, or have ended an established one for another, within
   * {@link #WINDOW}: as many are a proof, and a single stranger cannot give it.
   */
  static final int MIN_PEERS = 3;

  /** Time within which the evidence of these peers lies. */
  static final Duration WINDOW = Duration.ofMinutes(10);

  /** Time after the latest evidence until which the health has it. */
  static final Duration SHOWN = Duration.ofMinutes(10);

  /** Peers whose refusals are counted; the oldest is evicted. */
  private static final int MAX_PEERS = 100;

  private final InstantSource clock;
  private final Consumer<String> warn;

  // guarded by this
  private final Map<NodeId, Evidence> peers = new LinkedHashMap<>();
  private @Nullable String finding;
  private Instant foundAt = Instant.MIN;

  private static final class Evidence {
    private int refusals;
    private Instant firstRefusal = Instant.MIN;
    private Instant latestRefusal = Instant.MIN;

    /** The latest time when the peer has ended an established connection for another one. */
    private Instant replacedAt = Instant.MIN;

    private boolean isRefusedAfter(Instant since) {
      return refusals >= MIN_REFUSALS
          && !latestRefusal.isBefore(firstRefusal.plus(MIN_TIME))
          && latestRefusal.isAfter(since);
    }
  }

  /**
   * Creates a check without evidence.
   *
   * @param warn logs what was found
   */
  KeyCopyCheck(InstantSource clock, Consumer<String> warn) {
    this.clock = clock;
    this.warn = warn;
  }

  /** Records that a node has proved that it has the key of this node, which never dials itself. */
  synchronized void hasOwnKey(InetSocketAddress remote) {
    found("it has connected from " + remote.getAddress().getHostAddress());
  }

  /** Records that a connection to a peer is established. */
  synchronized void established(NodeId peer) {
    Evidence evidence = peers.get(peer);
    if (evidence != null) {
      evidence.refusals = 0;
    }
  }

  /**
   * Records that a peer has refused or ended a connection as "already connected" while this node
   * has no other one with it.
   *
   * @param established whether the connection had been established
   * @param named whether the operator has named the peer: its refusals alone are a proof
   */
  synchronized void alreadyConnected(NodeId peer, boolean established, boolean named) {
    Evidence evidence = peers.computeIfAbsent(peer, id -> new Evidence());
    if (peers.size() > MAX_PEERS) {
      peers.remove(peers.keySet().iterator().next());
    }
    Instant now = clock.instant();
    if (established) {
      evidence.replacedAt = now;
    } else {
      evidence.firstRefusal = evidence.refusals == 0 ? now : evidence.firstRefusal;
      evidence.latestRefusal = now;
      evidence.refusals++;
    }
    Instant since = now.minus(WINDOW);
    boolean isProved = named && evidence.isRefusedAfter(since);
    if (isProved || peersWithEvidence(since) >= MIN_PEERS) {
      found(
          "peer "
              + peer.shortText()
              + " ends the connections of this node, since it has one with that key");
    }
  }

  private long peersWithEvidence(Instant since) {
    return peers.values().stream()
        .filter(peer -> peer.replacedAt.isAfter(since) || peer.isRefusedAfter(since))
        .count();
  }

  private void found(String how) {
    foundAt = clock.instant();
    if (finding == null) {
      finding =
          "another node has the key of this node: "
              + how
              + ". Two nodes must not share a key: stop one of them, remove its file p2p_key, and"
              + " start it again";
      warn.accept(finding);
    }
  }

  /** Returns what was found as one line; null when nothing was, or not recently. */
  synchronized @Nullable String failure() {
    return finding != null && clock.instant().isBefore(foundAt.plus(SHOWN)) ? finding : null;
  }
}
