// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.p2p.devp2p.rlpx;

import java.util.Arrays;

/**
 * The layout of a frame (devp2p, rlpx.md, "Framing"): header (16), header MAC (16), data padded to
 * a multiple of 16, data MAC (16).
 */
public final class Frames {
  /** Length of the header with its MAC. */
  public static final int HEADER_BYTES = 16 + FrameMac.BYTES;

  /** Greatest size of the data that a header can say. */
  public static final int MAX_DATA_BYTES = 0xffffff;

  private Frames() {}

  /** Returns the length of the padded data with its MAC, for so many bytes of data. */
  public static int bodyBytes(int data) {
    return padded(data) + FrameMac.BYTES;
  }

  static int padded(int data) {
    return (data + 15) & ~15;
  }

  static boolean macEquals(byte[] mac, byte[] input, int at) {
    return java.security.MessageDigest.isEqual(
        mac, Arrays.copyOfRange(input, at, at + FrameMac.BYTES));
  }
}
