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

  /**
   * Returns the next frame.
   *
   * @param data at most {@link Frames#MAX_DATA_BYTES}
   */
  public byte[] write(byte[] data) {
    if (data.length > Frames.MAX_DATA_BYTES) {
      throw new IllegalArgumentException("a frame of " + data.length + " bytes is too long");
    }
    int padded = Frames.padded(data.length);
    byte[] out = new byte[Frames.HEADER_BYTES + Frames.bodyBytes(data.length)];
    out[0] = (byte) (data.length >>> 16);
    out[1] = (byte) (data.length >>> 8);
    out[2] = (byte) data.length;
    out[3] = (byte) 0xc2; // [capability-id, context-id], both 0
    out[4] = (byte) 0x80;
    out[5] = (byte) 0x80;
    Aes.apply(stream, out, 0, 16, out, 0);
    System.arraycopy(mac.header(out, 0), 0, out, 16, FrameMac.BYTES);
    int at = Frames.HEADER_BYTES;
    System.arraycopy(data, 0, out, at, data.length);
    Aes.apply(stream, out, at, padded, out, at);
    System.arraycopy(mac.frame(out, at, padded), 0, out, at + padded, FrameMac.BYTES);
    return out;
  }
}
