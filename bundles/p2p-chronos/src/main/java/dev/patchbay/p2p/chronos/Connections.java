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
 * with the lower address has dialed, and of two that one node has dialed the older one. That holds
 * for connections of one IP address: a stated address proves nothing, and another host must neither
 * end the connection of a peer nor take its place. Threading: any thread.
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
