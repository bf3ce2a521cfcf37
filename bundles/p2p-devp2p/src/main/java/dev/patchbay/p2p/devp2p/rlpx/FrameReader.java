// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.p2p.devp2p.rlpx;

import dev.patchbay.api.p2p.DisconnectReason;
import dev.patchbay.api.p2p.PeerBreachException;
import javax.crypto.Cipher;

/**
 * Decrypts the frames of one direction, in order: a header, then its body. A MAC is checked before
 * anything is decrypted. After an exception the reader must not be used again.
 *
 * <p>Threading: one thread at a time.
 */
public final class FrameReader {
  private final Cipher stream;
  private final FrameMac mac;

  /** Creates the reader of a connection. */
  public FrameReader(Secrets secrets) {
    this.stream = Aes.stream(secrets.aes(), new byte[Aes.BLOCK_BYTES]);
    this.mac = new FrameMac(secrets.mac(), secrets.ingress());
  }

  /**
   * Reads a header.
   *
   * @param header {@link Frames#HEADER_BYTES}
   * @return how many bytes of data the frame has
   * @throws PeerBreachException when the MAC is wrong
   */
  public int header(byte[] header) throws PeerBreachException {
    if (!Frames.macEquals(mac.header(header, 0), header, 16)) {
      throw wrongMac("header");
    }
    byte[] clear = new byte[16];
    Aes.apply(stream, header, 0, 16, clear, 0);
    return (clear[0] & 0xff) << 16 | (clear[1] & 0xff) << 8 | clear[2] & 0xff;
  }

  /**
   * Reads the body of the latest header.
   *
   * @param body {@link Frames#bodyBytes}; it is overwritten
   * @param size how many bytes of data the frame has
   * @return the data
   * @throws PeerBreachException when the MAC is wrong
   */
  public byte[] body(byte[] body, int size) throws PeerBreachException {
    int padded = Frames.padded(size);
    if (!Frames.macEquals(mac.frame(body, 0, padded), body, padded)) {
      throw wrongMac("body");
    }
    Aes.apply(stream, body, 0, padded, body, 0);
    return java.util.Arrays.copyOf(body, size);
  }

  private static PeerBreachException wrongMac(String part) {
    return new PeerBreachException(
        DisconnectReason.PROTOCOL_BREACH, "the MAC of a frame " + part + " is wrong");
  }
}
