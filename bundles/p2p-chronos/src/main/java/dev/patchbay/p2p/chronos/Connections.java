// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.p2p.chronos;

import dev.patchbay.api.p2p.PeerId;
import dev.patchbay.primitives.Address;
import dev.patchbay.primitives.Bytes;
import java.net.InetAddress;
import java.util.ArrayList;
import java.util.Collections;
import java.util.Comparator;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.Predicate;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/**
 * The connections. Two nodes have one: of two that cross each other the one stays that the node
 * with the lower address has dialed, and of two that one node has dialed the older one. That holds
 * for connections of one IP address: a stated address proves nothing, and another host must neither
 * end the connection of a peer nor take its place.
 *
 * <p>Peers have places, and connections whose handshakes are not completed have few others: a host
 * that connects and sends nothing takes no place of a peer. The operator has named the nodes that
 * this node dials; these limits do not concern them, nor what comes from where they were dialed.
 *
 * <p>Threading: any thread.
 */
final class Connections {
  private final int max;

  /** Guarded by this. */
  private final List<Connection> all = new ArrayList<>();

  /** Those of nodes that the operator has named; guarded by this. */
  private final Set<Connection> named = new HashSet<>();

  /**
   * Creates none.
   *
   * @param max most peers
   */
  Connections(int max) {
    this.max = max;
  }

  int max() {
    return max;
  }

  /** Adds one that this node has dialed, which the operator wants. */
  synchronized void addDialed(Connection connection) {
    all.add(connection);
    named.add(connection);
  }

  /**
   * Adds one that the node has accepted. When there are too many whose handshakes are not
   * completed, the oldest one of the subnet with most of them ends.
   *
   * @param source address of the peer
   * @param isNamed whether it may be a node that the operator has named
   * @return false, and adds none, when there are too many peers, or too many connections of the
   *     host or the subnet
   */
  synchronized boolean addAccepted(Connection connection, InetAddress source, boolean isNamed) {
    if (!source.isLoopbackAddress()
        && countInbound(one -> Sources.host(one).equals(Sources.host(source)))
            >= Limits.MAX_PER_ADDRESS) {
      return false;
    }
    if (isNamed) {
      named.add(connection);
      return all.add(connection);
    }
    return hasPlace(source) && makeRoom(source) && all.add(connection);
  }

  private long countInbound(Predicate<InetAddress> which) {
    return all.stream()
        .filter(one -> one.inbound() && which.test(one.remote().getAddress()))
        .count();
  }

  /** Returns whether one more peer may be accepted that the operator has not named. */
  private boolean hasPlace(InetAddress source) {
    List<Connection> peers = peers();
    return peers.size() < max
        && (Sources.isPrivate(source)
            || peers.stream().filter(one -> !named.contains(one) && isNear(one, source)).count()
                < Math.max(Limits.MAX_PER_ADDRESS, max / 2));
  }

  private static boolean isNear(Connection one, InetAddress source) {
    return Sources.subnet(one.remote().getAddress()).equals(Sources.subnet(source));
  }

  /** Returns whether one more connection whose handshake is not completed may be accepted. */
  private boolean makeRoom(InetAddress source) {
    List<Connection> pending =
        all.stream().filter(one -> !one.wasEstablished() && !named.contains(one)).toList();
    if (!Sources.isPrivate(source)
        && pending.stream().filter(one -> isNear(one, source)).count()
            >= Limits.MAX_PENDING_PER_SUBNET) {
      return false;
    }
    if (pending.size() >= Limits.MAX_PENDING) {
      Map<Bytes, List<Connection>> subnets =
          pending.stream()
              .collect(
                  Collectors.groupingBy(
                      one -> Sources.subnet(one.remote().getAddress()),
                      LinkedHashMap::new,
                      Collectors.toList()));
      List<Connection> largest =
          Collections.max(subnets.values(), Comparator.comparingInt(List::size));
      Connection oldest = largest.get(0);
      remove(oldest);
      oldest.end("busy", false);
      oldest.close();
    }
    return true;
  }

  synchronized void remove(Connection connection) {
    all.remove(connection);
    named.remove(connection);
  }

  synchronized List<Connection> all() {
    return List.copyOf(all);
  }

  /** Returns those whose handshakes are completed. */
  List<Connection> peers() {
    return all().stream().filter(Connection::isEstablished).toList();
  }

  @Nullable Connection peer(PeerId id) {
    return all().stream()
        .filter(one -> one.isEstablished() && id.equals(one.id()))
        .findFirst()
        .orElse(null);
  }

  /** Returns whether a peer that states an address is connected from an IP address. */
  boolean isConnected(Address address, InetAddress host) {
    return find(address, host) != null;
  }

  /** Returns the peer that states an address other than 0 at an IP address; null for none. */
  private @Nullable Connection find(Address address, InetAddress host) {
    return peers().stream()
        .filter(
            one ->
                one.states(address)
                    && !address.equals(Address.ZERO)
                    && host.equals(one.remote().getAddress()))
        .findFirst()
        .orElse(null);
  }

  /**
   * Establishes a connection; when there is another one with the peer, one of them ends. It gets
   * the error {@code busy} when all places of peers are taken.
   *
   * @param own address of this node
   * @param reply writes the reply to its SHAKEHAND, the first message of this node
   * @return false when it is this one, there is no place, or it was removed
   */
  synchronized boolean establish(
      Connection connection, Address own, Shakehand stated, Runnable reply) {
    if (!all.contains(connection)) {
      return false;
    }
    Address address = stated.address();
    Connection other = find(address, connection.remote().getAddress());
    if (other != null) {
      boolean isReplaced =
          connection.inbound() != other.inbound() && connection.inbound() == isLower(address, own);
      Connection ended = isReplaced ? other : connection;
      ended.end("already connected", false);
      ended.close();
      if (!isReplaced) {
        return false;
      }
    } else if (!named.contains(connection) && !hasPlace(connection.remote().getAddress())) {
      connection.fail(WireException.closing("busy", "too many connections"), null);
      return false;
    }
    connection.state(stated);
    reply.run();
    connection.establish(id(connection, address));
    return true;
  }

  private static boolean isLower(Address one, Address other) {
    return one.toString().compareTo(other.toString()) < 0;
  }

  /** Peers that state no address, or one of another peer, have their socket addresses in the id. */
  private PeerId id(Connection connection, Address address) {
    PeerId id = new PeerId(Connection.NETWORK, address.toString());
    return address.equals(Address.ZERO) || peer(id) != null
        ? new PeerId(Connection.NETWORK, address + "@" + HostPort.text(connection.remote()))
        : id;
  }
}
