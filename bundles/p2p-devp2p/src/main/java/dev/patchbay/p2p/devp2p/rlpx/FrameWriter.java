// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.p2p.devp2p.rlpx;

import javax.crypto.Cipher;

/** Encrypts the frames of one direction, in order. Threading: one thread at a time. */
public final class FrameWriter {
  private final Cipher stream;
  private final FrameMac mac;

  /** Creates the writer of a connection. */
  public FrameWriter(Secrets secrets) {
    this.stream = Aes.stream(secrets.aes(), new byte[Aes.BLOCK_BYTES]);
    this.mac = new FrameMac(secrets.mac(), secrets.egress());
  }

  /** A frame that is written in parts. Only one frame at a time may be unfinished. */
  public final class Frame {
    private final byte[] data;
    private int encrypted;
    private boolean done;

    private Frame(byte[] data) {
      this.data = data;
    }

    /** Returns whether all parts were returned. */
    public boolean isDone() {
      return done;
    }

    /**
     * Returns the next part of the frame: the first one begins with the header, the last one ends
     * with the MAC.
     *
     * @param maxBytes most bytes of data in it, a multiple of 16
     */
    public byte[] next(int maxBytes) {
      int padded = Frames.padded(data.length);
      int length = Math.min(maxBytes, padded - encrypted);
      int head = encrypted == 0 ? Frames.HEADER_BYTES : 0;
      done = encrypted + length == padded;
      byte[] out = new byte[head + length + (done ? FrameMac.BYTES : 0)];
      if (head > 0) {
        header(out, data.length);
      }
      System.arraycopy(data, encrypted, out, head, Math.min(length, data.length - encrypted));
      Aes.apply(stream, out, head, length, out, head);
      mac.append(out, head, length);
      encrypted += length;
      if (done) {
        System.arraycopy(mac.frame(), 0, out, head + length, FrameMac.BYTES);
      }
      return out;
    }
  }

  /**
   * Begins the next frame.
   *
   * @param data at most {@link Frames#MAX_DATA_BYTES}
   */
  public Frame begin(byte[] data) {
    if (data.length > Frames.MAX_DATA_BYTES) {
      throw new IllegalArgumentException("a frame of " + data.length + " bytes is too long");
    }
    return new Frame(data);
  }

  /**
   * Returns the next frame.
   *
   * @param data at most {@link Frames#MAX_DATA_BYTES}
   */
  public byte[] write(byte[] data) {
    return begin(data).next(Frames.padded(data.length));
  }

  private void header(byte[] out, int size) {
    out[0] = (byte) (size >>> 16);
    out[1] = (byte) (size >>> 8);
    out[2] = (byte) size;
    out[3] = (byte) 0xc2; // [capability-id, context-id], both 0
    out[4] = (byte) 0x80;
    out[5] = (byte) 0x80;
    Aes.apply(stream, out, 0, 16, out, 0);
    System.arraycopy(mac.header(out, 0), 0, out, 16, FrameMac.BYTES);
  }
}
