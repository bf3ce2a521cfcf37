// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.p2p.devp2p;

import java.time.Duration;

/**
 * Times and bounds of a session.
 *
 * @param encryption for the encryption handshake, from the TCP connection on
 * @param hello from the encryption handshake to Hello
 * @param establish from Hello until all sub-protocols are established
 * @param frameRead from one complete frame to the next
 * @param frameWrite for the operating system to accept the next frame
 * @param ping without a frame until the peer is sent Ping
 * @param disconnect for the peer to accept Disconnect and to close
 * @param maxWaitingMessages with more messages waiting the session stops reading
 * @param maxWaitingBytes with more bytes waiting the session stops reading; as sent, compressed
 * @param lowUnsentBytes below, a congested session is writable again
 * @param highUnsentBytes above, a session is congested: it handles no message and sends no
 *     announcement
 * @param maxUnsentBytes above, the session ends
 */
record SessionSettings(
    Duration encryption,
    Duration hello,
    Duration establish,
    Duration frameRead,
    Duration frameWrite,
    Duration ping,
    Duration disconnect,
    int maxWaitingMessages,
    long maxWaitingBytes,
    long lowUnsentBytes,
    long highUnsentBytes,
    long maxUnsentBytes) {
  private static final long MIB = 1L << 20;

  /** The times of geth; each bound allows a message of the greatest size. */
  static final SessionSettings DEFAULT =
      new SessionSettings(
          Duration.ofSeconds(5),
          Duration.ofSeconds(5),
          Duration.ofSeconds(5),
          Duration.ofSeconds(30),
          Duration.ofSeconds(20),
          Duration.ofSeconds(15),
          Duration.ofSeconds(1),
          256,
          4 * MIB,
          MIB,
          4 * MIB,
          24 * MIB);
}
