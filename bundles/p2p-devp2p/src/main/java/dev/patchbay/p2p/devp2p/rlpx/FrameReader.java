// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.p2p.devp2p.rlpx;

import dev.patchbay.api.p2p.DisconnectReason;
import dev.patchbay.api.p2p.PeerBreachException;
import java.util.Arrays;
import javax.crypto.Cipher;

/**
 * Decrypts the frames of one direction, in order: a header, then its body. The MAC of a header is
 * checked before it is decrypted. A body is decrypted in parts, as it arrives; its data is returned
 * after the MAC of the whole body has been checked. After an exception the reader must not be used
 * again.
 *
 * <p>Threading: one thread at a time.
 */
public final class FrameReader {
  /** The array for the data of a frame has at least so many bytes, or as many as the data. */
  private static final int MIN_CAPACITY = 1 << 12;

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
   * Begins the body of the latest header.
   *
   * @param size how many bytes of data the frame has
   */
  public Body body(int size) {
    return new Body(size);
  }

  /** The body of a frame, read in parts. Only one body at a time may be unfinished. */
  public final class Body {
    private final int size;
    private final byte[] receivedMac = new byte[FrameMac.BYTES];

    /** The data so far, which no caller sees before its MAC was checked. */
    private byte[] data = {};

    private int received;

    private Body(int size) {
      this.size = size;
    }

    /** Returns how many bytes were appended. */
    public int receivedBytes() {
      return received;
    }

    /** Returns how many bytes are missing: data, padding and MAC. */
    public int missingBytes() {
      return Frames.bodyBytes(size) - received;
    }

    /**
     * Appends the next part.
     *
     * @param part at most {@link #missingBytes}; it is overwritten
     */
    public void append(byte[] part) {
      if (part.length > missingBytes()) {
        throw new IllegalArgumentException(
            part.length + " bytes, " + missingBytes() + " are missing");
      }
      int padded = Frames.padded(size);
      int encrypted = Math.min(part.length, Math.max(0, padded - received));
      int ofData = Math.min(encrypted, Math.max(0, size - received));
      mac.append(part, 0, encrypted);
      if (ofData > 0) {
        reserve(received + ofData);
        Aes.apply(stream, part, 0, ofData, data, received);
      }
      if (encrypted > ofData) { // the padding moves the key stream on
        Aes.apply(stream, part, ofData, encrypted - ofData, part, ofData);
      }
      if (part.length > encrypted) {
        int at = received + encrypted - padded;
        System.arraycopy(part, encrypted, receivedMac, at, part.length - encrypted);
      }
      received += part.length;
    }

    /**
     * Grows the array for the data that has arrived: less than twice of it, and of the exact size
     * at the end.
     */
    private void reserve(int bytes) {
      if (bytes <= data.length) {
        return;
      }
      int capacity = size;
      while (capacity > MIN_CAPACITY && (capacity + 1) / 2 >= bytes) {
        capacity = (capacity + 1) / 2;
      }
      data = Arrays.copyOf(data, capacity);
    }

    /**
     * Returns the data, when no byte is missing.
     *
     * @throws PeerBreachException when the MAC is wrong
     */
    public byte[] data() throws PeerBreachException {
      if (missingBytes() > 0) {
        throw new IllegalStateException(missingBytes() + " bytes are missing");
      }
      if (!Frames.macEquals(mac.frame(), receivedMac, 0)) {
        throw wrongMac("body");
      }
      return data;
    }
  }

  private static PeerBreachException wrongMac(String part) {
    return new PeerBreachException(
        DisconnectReason.PROTOCOL_BREACH, "the MAC of a frame " + part + " is wrong");
  }
}
