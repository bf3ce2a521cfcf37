// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.p2p.devp2p;

import dev.patchbay.api.p2p.DisconnectReason;
import dev.patchbay.p2p.devp2p.rlpx.NodeId;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.Predicate;
import org.jspecify.annotations.Nullable;

/**
 * Decides who may be a peer: limits, bans, trusted nodes, and one connection for each node.
 *
 * <p>Threading: any thread. Nothing is called under the lock but the clock.
 *
 * @param <C> the connections
 */
final class PeerManager<C extends PeerManager.Connection> {
  /** Of all peers, this share may have been dialed by this node; as geth. */
  private static final int DIAL_RATIO = 3;

  /**
   * Two connections to a node that are admitted within this time are of two nodes that have dialed
   * each other.
   */
  static final Duration SIMULTANEOUS = Duration.ofSeconds(10);

  /** A connection whose peer has proved its identity. */
  interface Connection {
    /** Returns the peer. */
    NodeId id();

    /** Returns whether the peer has dialed. */
    boolean inbound();
  }

  /**
   * The decision about a connection.
   *
   * @param refusal why it must end; null when it has been admitted
   * @param replaced another connection to the same node, which must end; null when there is none
   */
  record Admission<C>(@Nullable DisconnectReason refusal, @Nullable C replaced) {}

  private record Admitted<C>(C connection, Instant since) {}

  private final NodeId self;
  private final int maxPeers;
  private final InstantSource clock;
  private final Predicate<NodeId> banned;

  // guarded by this
  private final Map<NodeId, Admitted<C>> admitted = new HashMap<>();
  private final Set<NodeId> trusted = new HashSet<>();
  private final Set<NodeId> configured = new HashSet<>();

  /**
   * Creates a manager without peers.
   *
   * @param maxPeers greatest number of peers, trusted ones not counted
   * @param banned whether a node is banned
   */
  PeerManager(NodeId self, int maxPeers, InstantSource clock, Predicate<NodeId> banned) {
    this.self = self;
    this.maxPeers = maxPeers;
    this.clock = clock;
    this.banned = banned;
  }

  /** Exempts a node from the limit of peers; returns false when it was exempt before. */
  synchronized boolean trust(NodeId id) {
    return trusted.add(id);
  }

  /** Ends the exemption; returns false when there was none. */
  synchronized boolean distrust(NodeId id) {
    return trusted.remove(id);
  }

  synchronized boolean isTrusted(NodeId id) {
    return trusted.contains(id);
  }

  /** Exempts a node from the share of dialed or inbound peers: the operator has named it. */
  synchronized boolean configure(NodeId id) {
    return configured.add(id);
  }

  /** Ends the exemption; returns false when there was none. */
  synchronized boolean unconfigure(NodeId id) {
    return configured.remove(id);
  }

  synchronized boolean isConfigured(NodeId id) {
    return configured.contains(id);
  }

  /** Returns why a connection would not be admitted now; null when it would. Changes nothing. */
  synchronized @Nullable DisconnectReason check(C connection) {
    return decide(connection).refusal();
  }

  /** Admits a connection, or refuses it. */
  synchronized Admission<C> admit(C connection) {
    Admission<C> decision = decide(connection);
    if (decision.refusal() == null) {
      admitted.put(connection.id(), new Admitted<>(connection, clock.instant()));
    }
    return decision;
  }

  private Admission<C> decide(C connection) {
    NodeId id = connection.id();
    if (id.equals(self)) {
      return refuse(DisconnectReason.SELF);
    }
    if (banned.test(id) && !trusted.contains(id)) {
      return refuse(DisconnectReason.USELESS_PEER);
    }
    Admitted<C> earlier = admitted.get(id);
    if (earlier != null) {
      return replaces(connection, earlier)
          ? new Admission<>(null, earlier.connection())
          : refuse(DisconnectReason.ALREADY_CONNECTED);
    }
    return isFull(connection)
        ? refuse(DisconnectReason.TOO_MANY_PEERS)
        : new Admission<>(null, null);
  }

  private Admission<C> refuse(DisconnectReason reason) {
    return new Admission<>(reason, null);
  }

  /**
   * Of two connections that cross each other, the one stays that the node with the lower id has
   * dialed: both nodes decide so without a message. An older connection stays in any case.
   */
  private boolean replaces(C next, Admitted<C> earlier) {
    boolean older = !clock.instant().isBefore(earlier.since().plus(SIMULTANEOUS));
    boolean crossing = next.inbound() != earlier.connection().inbound();
    boolean dialedByLower = next.inbound() == (next.id().compareTo(self) < 0);
    return !older && crossing && dialedByLower;
  }

  private boolean isFull(C connection) {
    NodeId id = connection.id();
    if (trusted.contains(id)) {
      return false;
    }
    if (count(other -> true) >= maxPeers) {
      return true;
    }
    return !configured.contains(id) && isShareFull(connection.inbound());
  }

  /** Returns whether all places of the inbound peers, or of the dialed ones, are occupied. */
  private boolean isShareFull(boolean inbound) {
    return inbound
        ? count(Connection::inbound) >= Math.max(1, maxPeers - maxDialed())
        : count(other -> !other.inbound()) >= maxDialed();
  }

  private int count(Predicate<C> which) {
    int count = 0;
    for (Map.Entry<NodeId, Admitted<C>> entry : admitted.entrySet()) {
      if (!trusted.contains(entry.getKey()) && which.test(entry.getValue().connection())) {
        count++;
      }
    }
    return count;
  }

  private int maxDialed() {
    return Math.max(1, maxPeers / DIAL_RATIO);
  }

  /** Returns how many more nodes may be dialed that the operator has not named. */
  synchronized int freeDials() {
    int dialed = maxDialed() - count(other -> !other.inbound());
    return Math.max(0, Math.min(dialed, maxPeers - count(other -> true)));
  }

  /**
   * Returns the connections that may end to give others a place: neither trusted nor configured,
   * and of a kind, inbound or dialed, of which no further one would be admitted.
   *
   * @param age for how long they have been admitted at least
   */
  synchronized List<C> replaceable(Duration age) {
    Instant latest = clock.instant().minus(age);
    boolean isFull = count(other -> true) >= maxPeers;
    boolean inboundFull = isFull || isShareFull(true);
    boolean dialedFull = isFull || isShareFull(false);
    List<C> out = new ArrayList<>();
    admitted.forEach(
        (id, one) -> {
          boolean exempt = trusted.contains(id) || configured.contains(id);
          boolean full = one.connection().inbound() ? inboundFull : dialedFull;
          if (full && !exempt && !one.since().isAfter(latest)) {
            out.add(one.connection());
          }
        });
    return out;
  }

  /** Removes a connection that has ended; returns false when it is not the one of its node. */
  synchronized boolean remove(C connection) {
    Admitted<C> current = admitted.get(connection.id());
    if (current == null || !current.connection().equals(connection)) {
      return false;
    }
    admitted.remove(connection.id());
    return true;
  }

  /** Returns whether a node must not be dialed: it is connected, or banned and not trusted. */
  synchronized boolean isConnectedOrBanned(NodeId id) {
    return admitted.containsKey(id) || banned.test(id) && !trusted.contains(id);
  }

  /** Returns the connection to a node; null when there is none. */
  synchronized @Nullable C get(NodeId id) {
    Admitted<C> current = admitted.get(id);
    return current == null ? null : current.connection();
  }

  /** Returns the admitted connections. */
  synchronized List<C> connections() {
    List<C> out = new ArrayList<>();
    admitted.values().forEach(one -> out.add(one.connection()));
    return out;
  }

  /** Returns the greatest number of peers, trusted ones not counted. */
  int maxPeers() {
    return maxPeers;
  }
}
