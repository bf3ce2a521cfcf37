// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.p2p.devp2p.discovery;

import java.net.InetSocketAddress;

/** Sends datagrams. A datagram that cannot be sent is dropped. Threading: any thread. */
interface PacketSender {
  void send(byte[] packet, InetSocketAddress recipient);
}
