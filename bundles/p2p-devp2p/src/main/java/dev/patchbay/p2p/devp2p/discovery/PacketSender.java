// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.p2p.devp2p.discovery;

import java.net.InetAddress;
import java.net.InetSocketAddress;

/** Sends datagrams. Threading: any thread. */
interface PacketSender {
  /**
   * Sends a datagram, or drops it when the buffers of the socket are full.
   *
   * @return false when it was dropped
   */
  boolean send(byte[] packet, InetSocketAddress recipient);

  /**
   * Announces that a request of this node goes to an address now: packets of it are admitted also
   * while this node is flooded.
   */
  default void expectReply(InetAddress address) {}
}
