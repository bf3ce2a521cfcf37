// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.primitives;

import java.util.HexFormat;

/** Hexadecimal text as in the Ethereum JSON-RPC: {@code 0x} and lower-case digits. */
public final class Hex {
  private static final HexFormat FORMAT = HexFormat.of();
  private static final int SHOWN = 80;

  private Hex() {}

  /** Returns {@code 0x} followed by two digits a byte. */
  public static String encode(byte[] bytes) {
    return "0x" + FORMAT.formatHex(bytes);
  }

  /**
   * Returns {@code value}, read as unsigned, as a quantity: no leading zeros, {@code 0x0} for zero.
   */
  public static String quantity(long value) {
    return "0x" + Long.toHexString(value);
  }

  /**
   * Decodes {@code 0x} followed by an even number of digits.
   *
   * @throws IllegalArgumentException when the text is anything else; the message shows at most 80
   *     characters of it
   */
  public static byte[] decode(String text) {
    checkForm(text);
    try {
      return FORMAT.parseHex(text, 2, text.length());
    } catch (IllegalArgumentException malformed) {
      throw new IllegalArgumentException("invalid hex string: " + shown(text));
    }
  }

  private static void checkForm(String text) {
    if (!text.startsWith("0x") && !text.startsWith("0X")) {
      throw new IllegalArgumentException("hex string without 0x prefix: " + shown(text));
    }
    if ((text.length() & 1) != 0) {
      throw new IllegalArgumentException("hex string of odd length: " + shown(text));
    }
  }

  /**
   * Decodes a value of fixed size, and does not look at the digits of a text that is too long.
   *
   * @param what names the value in the message
   * @throws IllegalArgumentException when the text is anything but {@code 0x} and two digits a byte
   */
  static byte[] decode(String text, String what, int size) {
    checkForm(text);
    int bytes = (text.length() - 2) / 2;
    if (bytes > size) {
      throw new IllegalArgumentException(what + " must be " + size + " bytes, not " + bytes);
    }
    return decode(text);
  }

  /**
   * Returns what a message shows of a text that a client sent.
   *
   * @return the text; when it has more than 80 characters, the first 80 and an ellipsis
   */
  public static String shown(String text) {
    return text.length() <= SHOWN ? text : text.substring(0, SHOWN) + "…";
  }
}
