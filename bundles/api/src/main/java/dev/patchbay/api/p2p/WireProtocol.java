// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.api.p2p;

import dev.patchbay.primitives.Bytes;
import java.util.Map;
import org.osgi.annotation.versioning.ConsumerType;

/**
 * One version of a sub-protocol over devp2p; a whiteboard service. A bundle that speaks several
 * versions registers one service for each. Of the versions that both sides announce, the highest
 * one is used.
 *
 * <p>Connections that use a service end with {@link DisconnectReason#REQUESTED} when it is removed;
 * those with peers that have announced it, too, end so when it is added. They are dialed again.
 *
 * <p>Threading: any thread, also several at a time.
 */
@ConsumerType
public interface WireProtocol {
  /**
   * Service property: the name of the sub-protocol. One on which another sub-protocol depends, as
   * snap does on eth, is registered with it.
   */
  String NAME = "wire.protocol";

  /** Returns name and version; always the same ones. */
  Capability capability();

  /** Returns how many message numbers it needs, from 0; 1 to 256. */
  int messageCount();

  /**
   * Called when a peer is connected that speaks it, before any of its messages arrive. The handler
   * usually sends the first message of the sub-protocol at once.
   *
   * @throws PeerBreachException when the connection must end
   */
  ProtocolHandler connected(PeerConnection peer) throws PeerBreachException;

  /**
   * Returns the entries that it adds to the node record of this node (EIP-778), by which nodes that
   * speak it find each other: each value as one RLP item. Empty when it adds none, and while the
   * values are not known. Called again and again, since the values may change; must return within
   * milliseconds.
   */
  default Map<String, Bytes> recordEntries() {
    return Map.of();
  }

  /**
   * Returns whether a node that was discovered is worth a dial, by all entries of its node record.
   * A node that no sub-protocol accepts is not dialed. Must return within milliseconds.
   *
   * @param entries the values as RLP items by key; they come from an unknown node
   */
  default boolean acceptsRecord(Map<String, Bytes> entries) {
    return false;
  }
}
