// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.p2p.devp2p.discovery;

/**
 * A datagram violates a discovery protocol and is dropped. The message is bounded and shows no
 * bytes of the packet.
 */
final class MalformedPacketException extends Exception {
  private static final long serialVersionUID = 1L;

  /** Creates an exception without a stack trace: hostile senders cause many. */
  MalformedPacketException(String message) {
    super(message, null, false, false);
  }
}
