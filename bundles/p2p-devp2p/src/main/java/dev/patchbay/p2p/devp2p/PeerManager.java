// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.p2p.devp2p;

import dev.patchbay.api.p2p.DisconnectReason;
import dev.patchbay.p2p.devp2p.discovery.Addresses;
import dev.patchbay.p2p.devp2p.discovery.Subnets;
import dev.patchbay.p2p.devp2p.rlpx.NodeId;
import dev.patchbay.primitives.Bytes;
import java.net.InetAddress;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.function.Predicate;
import org.jspecify.annotations.Nullable;

/**
 * Decides who may be a peer: limits, bans, trusted nodes, and one connection for each node.
 *
 * <p>Two nodes that dial each other at the same time have two connections. Which one stays is for
 * both to decide, and the other node may follow another rule: geth keeps the one that it admits
 * first. This node therefore admits both, and ends one only when the other node has shown that it
 * has admitted the other one, by its part of the handshakes of the sub-protocols. When it has
 * admitted both, the one stays that the node with the lower id has dialed, as it does when the
 * sub-protocols have no handshakes.
 *
 * <p>Threading: any thread. Nothing is called under the lock but the clock.
 *
 * @param <C> the connections
 */
final class PeerManager<C extends PeerManager.Connection> {
  /** Of all peers, this share may have been dialed by this node; as geth. */
  private static final int DIAL_RATIO = 3;

  /**
   * A connection that is admitted within this time of another one may be of two nodes that have
   * dialed each other. An older connection stays in any case.
   */
  static final Duration SIMULTANEOUS = Duration.ofSeconds(10);

  /**
   * Of the inbound places, this share may be occupied by one source: several nodes of an operator
   * may have one address, and as many sources are needed to occupy all places.
   */
  private static final int SOURCE_RATIO = 8;

  /** Places of one source in any case: two nodes of a household can connect to a small node. */
  private static final int MIN_PER_SOURCE = 2;

  /** Dialed peers of one subnet, as in a bucket of the table of discovery. */
  static final int MAX_DIALED_PER_SUBNET = 2;

  /** A connection whose peer has proved its identity. */
  interface Connection {
    /** Returns the peer. */
    NodeId id();

    /** Returns whether the peer has dialed. */
    boolean inbound();

    /** Returns the address of the peer. */
    InetAddress address();
  }

  /** The connections to a node: one, or two that cross each other. */
  private static final class Admitted<C extends Connection> {
    final Instant since;

    /** In the order of their admission. */
    final List<C> connections = new ArrayList<>(2);

    /** The connection on which the sub-protocols are established; null when there is none. */
    @Nullable C established;

    /** Whether the node must leave its place to a configured one. */
    boolean displaced;

    Admitted(Instant since) {
      this.since = since;
    }

    boolean inbound() {
      return connections.get(0).inbound();
    }

    @Nullable C other(C connection) {
      return connections.stream().filter(one -> !one.equals(connection)).findAny().orElse(null);
    }
  }

  private final NodeId self;
  private final int maxPeers;
  private final InstantSource clock;
  private final Predicate<NodeId> banned;

  // guarded by this
  private final Map<NodeId, Admitted<C>> admitted = new HashMap<>();
  private final Set<NodeId> trusted = new HashSet<>();
  private final Set<NodeId> configured = new HashSet<>();
  private final List<C> displaced = new ArrayList<>();

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

  /**
   * Exempts a node from the share of dialed or inbound peers: the operator has named it. While all
   * places are occupied, it displaces a peer that the operator has not named.
   */
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

  /** Returns whether the operator has named a node: it is configured or trusted. */
  synchronized boolean isNamed(NodeId id) {
    return trusted.contains(id) || configured.contains(id);
  }

  /** Returns why a connection would not be admitted now; null when it would. Changes nothing. */
  synchronized @Nullable DisconnectReason check(C connection) {
    NodeId id = connection.id();
    if (id.equals(self)) {
      return DisconnectReason.SELF;
    }
    if (banned.test(id) && !trusted.contains(id)) {
      return DisconnectReason.USELESS_PEER;
    }
    Admitted<C> earlier = admitted.get(id);
    if (earlier != null) {
      if (earlier.displaced) {
        return DisconnectReason.TOO_MANY_PEERS;
      }
      return mayCross(earlier, connection) ? null : DisconnectReason.ALREADY_CONNECTED;
    }
    return isFull(connection) ? DisconnectReason.TOO_MANY_PEERS : null;
  }

  /** Returns whether a second connection to a node may be the one that stays. */
  private boolean mayCross(Admitted<C> node, C next) {
    boolean isOlder = !clock.instant().isBefore(node.since.plus(SIMULTANEOUS));
    boolean isDecided = node.established != null && isDialedByLower(node.established);
    return !isOlder
        && !isDecided
        && node.connections.size() == 1
        && node.inbound() != next.inbound();
  }

  private boolean isDialedByLower(C connection) {
    return connection.inbound() == connection.id().compareTo(self) < 0;
  }

  /**
   * Admits a connection, or returns why it must end; null when it was admitted. Others may have to
   * end then: see {@link #takeDisplaced}.
   */
  synchronized @Nullable DisconnectReason admit(C connection) {
    DisconnectReason refusal = check(connection);
    if (refusal == null) {
      NodeId node = connection.id();
      if (!admitted.containsKey(node) && !trusted.contains(node) && isAtLimit()) {
        displace(Objects.requireNonNull(newestStranger()));
      }
      admitted
          .computeIfAbsent(connection.id(), id -> new Admitted<>(clock.instant()))
          .connections
          .add(connection);
    }
    return refusal;
  }

  private void displace(Admitted<C> stranger) {
    stranger.displaced = true;
    displaced.addAll(stranger.connections);
  }

  /** Returns the connections that must end because a configured node has taken their places. */
  synchronized List<C> takeDisplaced() {
    List<C> taken = List.copyOf(displaced);
    displaced.clear();
    return taken;
  }

  /** Returns the peer admitted last that the operator has not named; null when there is none. */
  private @Nullable Admitted<C> newestStranger() {
    Admitted<C> newest = null;
    for (Map.Entry<NodeId, Admitted<C>> entry : admitted.entrySet()) {
      Admitted<C> one = entry.getValue();
      if (!isNamed(entry.getKey())
          && !one.displaced
          && (newest == null || one.since.isAfter(newest.since))) {
        newest = one;
      }
    }
    return newest;
  }

  /**
   * Records that all sub-protocols of an admitted connection are established.
   *
   * @return a connection to the same node that must end, which may be this one; null when there is
   *     none
   */
  synchronized @Nullable C established(C connection) {
    Admitted<C> node = admitted.get(connection.id());
    if (node == null || !node.connections.contains(connection)) {
      return null; // it has ended
    }
    C other = node.other(connection);
    boolean stays = isDialedByLower(connection);
    if (other != null && !stays && other.equals(node.established)) {
      return connection;
    }
    node.established = connection;
    return stays ? other : null; // the other one may still be refused by the node
  }

  private boolean isFull(C connection) {
    NodeId id = connection.id();
    if (trusted.contains(id)) {
      return false;
    }
    if (configured.contains(id)) {
      return isAtLimit() && newestStranger() == null;
    }
    return isAtLimit() || isShareFull(connection.inbound()) || isOriginFull(connection);
  }

  /**
   * Returns whether there are as many strangers as may be of the source of an inbound connection,
   * or of the subnet of a dialed one. Loopback and private networks are exempt.
   */
  private boolean isOriginFull(C connection) {
    InetAddress address = connection.address();
    if (Addresses.isLan(address)) {
      return false;
    }
    int max = connection.inbound() ? maxPerSource() : MAX_DIALED_PER_SUBNET;
    return countStrangers(connection.inbound(), origin(connection)) >= max;
  }

  private int countStrangers(boolean inbound, Bytes origin) {
    return count(
        other -> {
          C first = other.connections.get(0);
          return first.inbound() == inbound && !isNamed(first.id()) && origin(first).equals(origin);
        });
  }

  /** Returns how many dialed peers are of a subnet and were not named by the operator. */
  synchronized int dialedOf(Bytes subnet) {
    return countStrangers(false, subnet);
  }

  private static Bytes origin(Connection connection) {
    InetAddress address = connection.address();
    return connection.inbound() ? Addresses.source(address) : Subnets.prefix(address);
  }

  private int maxPerSource() {
    return Math.max(MIN_PER_SOURCE, maxInbound() / SOURCE_RATIO);
  }

  private int maxInbound() {
    return Math.max(1, maxPeers - maxDialed());
  }

  private boolean isAtLimit() {
    return count(other -> true) >= maxPeers;
  }

  /** Returns whether all places of the inbound peers, or of the dialed ones, are occupied. */
  private boolean isShareFull(boolean inbound) {
    return inbound
        ? count(Admitted::inbound) >= maxInbound()
        : count(other -> !other.inbound()) >= maxDialed();
  }

  private int count(Predicate<Admitted<C>> which) {
    int count = 0;
    for (Map.Entry<NodeId, Admitted<C>> entry : admitted.entrySet()) {
      Admitted<C> one = entry.getValue();
      if (!trusted.contains(entry.getKey()) && !one.displaced && which.test(one)) {
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
    boolean isFull = isAtLimit();
    boolean inboundFull = isFull || isShareFull(true);
    boolean dialedFull = isFull || isShareFull(false);
    List<C> out = new ArrayList<>();
    admitted.forEach(
        (id, one) -> {
          boolean mayEnd = !isNamed(id) && !one.displaced;
          boolean full = one.inbound() ? inboundFull : dialedFull;
          if (full && mayEnd && !one.since.isAfter(latest)) {
            out.add(one.connections.get(0));
          }
        });
    return out;
  }

  /** Removes a connection that has ended; returns whether its node is thereby a peer no longer. */
  synchronized boolean remove(C connection) {
    Admitted<C> node = admitted.get(connection.id());
    if (node == null || !node.connections.remove(connection)) {
      return false;
    }
    if (connection.equals(node.established)) {
      node.established = null;
    }
    if (node.connections.isEmpty()) {
      admitted.remove(connection.id());
    }
    return node.connections.isEmpty();
  }

  /** Returns whether a node must not be dialed: it is connected, or banned and not trusted. */
  synchronized boolean isConnectedOrBanned(NodeId id) {
    return admitted.containsKey(id) || banned.test(id) && !trusted.contains(id);
  }

  /** Returns the admitted connections to a node. */
  synchronized List<C> connections(NodeId id) {
    Admitted<C> node = admitted.get(id);
    return node == null ? List.of() : List.copyOf(node.connections);
  }

  /** Returns the admitted connections. */
  synchronized List<C> connections() {
    return admitted.values().stream().flatMap(node -> node.connections.stream()).toList();
  }

  /** Returns the greatest number of peers, trusted ones not counted. */
  int maxPeers() {
    return maxPeers;
  }
}
