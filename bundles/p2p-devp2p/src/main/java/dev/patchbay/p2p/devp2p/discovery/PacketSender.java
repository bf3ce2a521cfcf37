// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.p2p.devp2p.discovery;

import java.net.InetSocketAddress;

/** Sends datagrams. Threading: any thread. */
interface PacketSender {
  /**
   * Sends a datagram, or drops it when the buffers of the socket are full.
   *
   * @return false when it was dropped
   */
  boolean send(byte[] packet, InetSocketAddress recipient);
}
