// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.p2p.chronos;

import dev.patchbay.api.p2p.PeerId;
import dev.patchbay.primitives.Address;
import java.net.InetAddress;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * The connections. Two nodes have one: of two that cross each other the one stays that the node
 * with the lower address has dialed, and of two that one node has dialed the older one. Threading:
 * any thread.
 */
final class Connections {
  private final int max;

  /** Guarded by this. */
  private final List<Connection> all = new ArrayList<>();

  /**
   * Creates none.
   *
   * @param max most connections
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
  }

  /**
   * Adds one that the node has accepted.
   *
   * @param source address of the peer
   * @return false, and adds none, when there are too many, in total or from an address
   */
  synchronized boolean addAccepted(Connection connection, InetAddress source) {
    long fromSource =
        source.isLoopbackAddress()
            ? 0
            : all.stream()
                .filter(one -> one.inbound() && source.equals(one.remote().getAddress()))
                .count();
    return all.size() < max && fromSource < Limits.MAX_PER_ADDRESS && all.add(connection);
  }

  synchronized void remove(Connection connection) {
    all.remove(connection);
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

  /** Returns whether a peer with an address is connected. */
  boolean isConnected(Address address) {
    return peer(new PeerId(Connection.NETWORK, address.toString())) != null;
  }

  /**
   * Establishes a connection; when there is another one with the peer, one of them ends.
   *
   * @param own address of this node
   * @param reply writes the reply to its SHAKEHAND, the first message of this node
   * @return false when it is this one, or it was removed
   */
  synchronized boolean establish(
      Connection connection, Address own, Shakehand stated, Runnable reply) {
    if (!all.contains(connection)) {
      return false;
    }
    Address address = stated.address();
    PeerId id = id(connection, address);
    Connection other =
        all.stream()
            .filter(one -> one.isEstablished() && id.equals(one.id()))
            .findFirst()
            .orElse(null);
    if (other != null) {
      boolean isReplaced =
          connection.inbound() != other.inbound()
              && connection.inbound() == isLower(address, own)
              && isSameHost(connection, other);
      Connection ended = isReplaced ? other : connection;
      ended.end("already connected", false);
      ended.close();
      if (!isReplaced) {
        return false;
      }
    }
    connection.state(stated);
    reply.run();
    connection.establish(id);
    return true;
  }

  /** A stated address proves nothing: another host must not end the connection of a peer. */
  private static boolean isSameHost(Connection one, Connection other) {
    return one.remote().getAddress().equals(other.remote().getAddress());
  }

  private static boolean isLower(Address one, Address other) {
    return one.toString().compareTo(other.toString()) < 0;
  }

  /** Peers that state no address are distinguished by their socket addresses. */
  private static PeerId id(Connection connection, Address address) {
    String text = address.toString();
    return new PeerId(
        Connection.NETWORK,
        address.equals(Address.ZERO) ? text + "@" + HostPort.text(connection.remote()) : text);
  }
}
