// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.p2p.devp2p.discovery;

import java.util.Arrays;

/** Base 32 (RFC 4648, section 6) without padding. Threading: any thread. */
final class Base32 {
  private static final String DIGITS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
  private static final int MAX_TEXT = 128;

  private Base32() {}

  /** Returns the digits of some bytes. */
  static String encode(byte[] bytes) {
    StringBuilder text = new StringBuilder();
    int buffer = 0;
    int bits = 0;
    for (byte next : bytes) {
      buffer = buffer << 8 | (next & 0xff);
      bits += 8;
      while (bits >= 5) {
        bits -= 5;
        text.append(DIGITS.charAt(buffer >>> bits & 31));
      }
      buffer &= (1 << bits) - 1;
    }
    if (bits > 0) {
      text.append(DIGITS.charAt(buffer << 5 - bits & 31));
    }
    return text.toString();
  }

  /**
   * Decodes digits.
   *
   * @throws IllegalArgumentException when the text is longer than 128 characters or not canonical
   */
  static byte[] decode(String text) {
    if (text.length() > MAX_TEXT) {
      throw new IllegalArgumentException("base32 text of " + text.length() + " characters");
    }
    byte[] out = new byte[text.length() * 5 / 8];
    int buffer = 0;
    int bits = 0;
    int at = 0;
    for (int i = 0; i < text.length(); i++) {
      int digit = DIGITS.indexOf(text.charAt(i));
      if (digit < 0) {
        throw new IllegalArgumentException("base32 text with another character than A-Z, 2-7");
      }
      buffer = buffer << 5 | digit;
      bits += 5;
      if (bits >= 8) {
        bits -= 8;
        out[at++] = (byte) (buffer >>> bits);
        buffer &= (1 << bits) - 1;
      }
    }
    if (!encode(Arrays.copyOf(out, at)).equals(text)) {
      throw new IllegalArgumentException("base32 text is not canonical");
    }
    return out;
  }
}
