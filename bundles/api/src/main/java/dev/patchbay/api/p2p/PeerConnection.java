// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.api.p2p;

import dev.patchbay.primitives.Bytes;
import java.net.InetSocketAddress;
import java.util.Set;
import org.osgi.annotation.versioning.ProviderType;

/** The connection to one peer, as a {@link WireProtocol} sees it. Threading: any thread. */
@ProviderType
public interface PeerConnection {
  /** Returns which peer it is. */
  PeerId id();

  /** Returns the name and version of its program as the peer states it, at most 256 characters. */
  String clientId();

  /** Returns the address of the other end. */
  InetSocketAddress remoteAddress();

  /** Returns whether the peer dialed this node. */
  boolean inbound();

  /** Returns what the peer announced in Hello. */
  Set<Capability> capabilities();

  /**
   * Sends a message that the peer must get: a reply, or a request. Messages leave in the order of
   * the calls.
   *
   * @param message number of the message in the sub-protocol, from 0
   * @param payload its RLP, uncompressed, at most 10 MiB
   * @return false when the connection has ended, or ends now because the peer does not read
   */
  boolean send(int message, Bytes payload);

  /**
   * Sends a message that the peer can do without, such as an announcement.
   *
   * @return false when the message was not sent: the connection has ended, or the peer has not read
   *     most of what was sent to it
   */
  boolean offer(int message, Bytes payload);

  /**
   * Says that the handshake of the sub-protocol has succeeded. A connection whose sub-protocols
   * have not all said so within 5 seconds ends.
   */
  void established();

  /**
   * Ends the connection. Does nothing when it has ended.
   *
   * @param reason what the peer is sent
   * @param detail why, for this node's log
   */
  void disconnect(DisconnectReason reason, String detail);
}
