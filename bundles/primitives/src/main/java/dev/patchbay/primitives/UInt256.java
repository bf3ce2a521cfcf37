// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.primitives;

import java.math.BigInteger;
import java.util.HexFormat;

/**
 * An unsigned 256-bit number; arithmetic wraps modulo 2^256 as in the EVM unless a method says
 * otherwise.
 *
 * @param w3 the most significant 64 bits
 * @param w2 the next 64 bits
 * @param w1 the next 64 bits
 * @param w0 the least significant 64 bits
 */
public record UInt256(long w3, long w2, long w1, long w0) implements Comparable<UInt256> {
  /** 0. */
  public static final UInt256 ZERO = new UInt256(0, 0, 0, 0);

  /** 1. */
  public static final UInt256 ONE = new UInt256(0, 0, 0, 1);

  /** 2^256 - 1. */
  public static final UInt256 MAX = new UInt256(-1, -1, -1, -1);

  private static final int MAX_HEX_DIGITS = 64;

  /** Digits of 2^256 - 1. */
  private static final int MAX_DECIMAL_DIGITS = 78;

  /** 2^64 divided by the golden ratio. */
  private static final long MIX = 0x9E3779B97F4A7C15L;

  /** Returns a 64-bit value, read as unsigned. */
  public static UInt256 of(long value) {
    return value == 0 ? ZERO : new UInt256(0, 0, 0, value);
  }

  /**
   * Returns {@code value}.
   *
   * @throws ArithmeticException when it is negative or has more than 256 bits
   */
  public static UInt256 of(BigInteger value) {
    if (value.signum() < 0 || value.bitLength() > 256) {
      throw new ArithmeticException(
          "not an unsigned 256-bit number: " + value.signum() + " * 2^" + value.bitLength());
    }
    return new UInt256(
        value.shiftRight(192).longValue(),
        value.shiftRight(128).longValue(),
        value.shiftRight(64).longValue(),
        value.longValue());
  }

  /**
   * Reads up to 32 big-endian bytes.
   *
   * @throws IllegalArgumentException when there are more
   */
  public static UInt256 ofBytes(byte[] bytes) {
    if (bytes.length > 32) {
      throw new IllegalArgumentException("number of " + bytes.length + " bytes, at most 32 fit");
    }
    long[] w = new long[4];
    for (int i = 0; i < bytes.length; i++) {
      int place = bytes.length - 1 - i;
      w[place >> 3] |= (bytes[i] & 0xffL) << ((place & 7) << 3);
    }
    return new UInt256(w[3], w[2], w[1], w[0]);
  }

  /**
   * Reads {@code 0x} and 1 to 64 hexadecimal digits; leading zeros are accepted.
   *
   * @throws IllegalArgumentException when the text is anything else; the message shows at most 80
   *     characters of it
   */
  public static UInt256 fromHex(String text) {
    if (!text.startsWith("0x") && !text.startsWith("0X")) {
      throw new IllegalArgumentException("hex string without 0x prefix: " + Hex.shown(text));
    }
    if (text.length() < 3 || text.length() > 2 + MAX_HEX_DIGITS) {
      throw new IllegalArgumentException("invalid 256-bit hex number: " + Hex.shown(text));
    }
    long[] w = new long[4];
    for (int i = 2; i < text.length(); i++) {
      char digit = text.charAt(i);
      if (!HexFormat.isHexDigit(digit)) {
        throw new IllegalArgumentException("invalid 256-bit hex number: " + Hex.shown(text));
      }
      int place = text.length() - 1 - i;
      w[place >> 4] |= (long) HexFormat.fromHexDigit(digit) << ((place & 15) << 2);
    }
    return new UInt256(w[3], w[2], w[1], w[0]);
  }

  /**
   * Reads 1 to 78 decimal digits; leading zeros are accepted, signs are not.
   *
   * @throws IllegalArgumentException when the text is anything else, or 2^256 or more; the message
   *     shows at most 80 characters of it
   */
  public static UInt256 fromDecimal(String text) {
    boolean digits = !text.isEmpty() && text.length() <= MAX_DECIMAL_DIGITS;
    for (int i = 0; digits && i < text.length(); i++) {
      digits = text.charAt(i) >= '0' && text.charAt(i) <= '9';
    }
    BigInteger value = digits ? new BigInteger(text) : null;
    if (value == null || value.bitLength() > 256) {
      throw new IllegalArgumentException("invalid 256-bit decimal number: " + Hex.shown(text));
    }
    return of(value);
  }

  /** Returns this + {@code o}. */
  public UInt256 add(UInt256 o) {
    long r0 = w0 + o.w0;
    long c = carry(w0, o.w0, r0);
    long r1 = w1 + o.w1 + c;
    c = carry(w1, o.w1, r1);
    long r2 = w2 + o.w2 + c;
    c = carry(w2, o.w2, r2);
    return new UInt256(w3 + o.w3 + c, r2, r1, r0);
  }

  /** Returns this - {@code o}. */
  public UInt256 subtract(UInt256 o) {
    long r0 = w0 - o.w0;
    long b = borrow(w0, o.w0, r0);
    long r1 = w1 - o.w1 - b;
    b = borrow(w1, o.w1, r1);
    long r2 = w2 - o.w2 - b;
    b = borrow(w2, o.w2, r2);
    return new UInt256(w3 - o.w3 - b, r2, r1, r0);
  }

  /** Returns this * {@code o}. */
  public UInt256 multiply(UInt256 o) {
    if ((w3 | w2 | w1 | o.w3 | o.w2 | o.w1) == 0) {
      long high = Math.multiplyHigh(w0, o.w0) + ((w0 >> 63) & o.w0) + ((o.w0 >> 63) & w0);
      return new UInt256(0, 0, high, w0 * o.w0);
    }
    return wrap(toBigInteger().multiply(o.toBigInteger()));
  }

  /** Returns the quotient of this and {@code o}, rounded down. */
  public UInt256 divide(UInt256 o) {
    if (fitsLong() && o.fitsLong()) {
      return of(Long.divideUnsigned(w0, o.w0));
    }
    return of(toBigInteger().divide(o.toBigInteger()));
  }

  /** Returns the smaller of this and {@code o}. */
  public UInt256 min(UInt256 o) {
    return compareTo(o) <= 0 ? this : o;
  }

  /** Returns whether the value is 0. */
  public boolean isZero() {
    return (w3 | w2 | w1 | w0) == 0;
  }

  /** Returns whether the value fits into 64 unsigned bits. */
  public boolean fitsLong() {
    return (w3 | w2 | w1) == 0;
  }

  /** Returns the least significant 64 bits. */
  public long longValue() {
    return w0;
  }

  /** Returns the value as a BigInteger, never negative. */
  public BigInteger toBigInteger() {
    return new BigInteger(1, toArray());
  }

  /** Returns 32 big-endian bytes. */
  public byte[] toArray() {
    byte[] out = new byte[32];
    long[] words = {w3, w2, w1, w0};
    for (int i = 0; i < 32; i++) {
      out[i] = (byte) (words[i >> 3] >>> (56 - ((i & 7) << 3)));
    }
    return out;
  }

  /** Returns the big-endian bytes without leading zeros; none for 0. */
  public byte[] toMinimalArray() {
    int length = (bitLength() + 7) / 8;
    byte[] all = toArray();
    return java.util.Arrays.copyOfRange(all, 32 - length, 32);
  }

  /** Returns the number of bits of the minimal binary form; 0 for 0. */
  public int bitLength() {
    if (w3 != 0) {
      return 256 - Long.numberOfLeadingZeros(w3);
    }
    if (w2 != 0) {
      return 192 - Long.numberOfLeadingZeros(w2);
    }
    if (w1 != 0) {
      return 128 - Long.numberOfLeadingZeros(w1);
    }
    return 64 - Long.numberOfLeadingZeros(w0);
  }

  /** Returns the value as 32 bytes. */
  public Hash toHash() {
    return Hash.wrap(toArray());
  }

  /** Returns a JSON-RPC quantity: {@code 0x}, no leading zeros. */
  public String toHex() {
    return fitsLong() ? Hex.quantity(w0) : "0x" + toBigInteger().toString(16);
  }

  /** Spreads what differs in few bits, as keys of arrays in storage do. */
  @Override
  public int hashCode() {
    long mixed = ((w3 * MIX + w2) * MIX + w1) * MIX + w0;
    return (int) (mixed * MIX >>> 32);
  }

  @Override
  public int compareTo(UInt256 o) {
    int c = Long.compareUnsigned(w3, o.w3);
    if (c == 0) {
      c = Long.compareUnsigned(w2, o.w2);
    }
    if (c == 0) {
      c = Long.compareUnsigned(w1, o.w1);
    }
    return c == 0 ? Long.compareUnsigned(w0, o.w0) : c;
  }

  /** Returns the decimal form. */
  @Override
  public String toString() {
    return fitsLong() ? Long.toUnsignedString(w0) : toBigInteger().toString();
  }

  private static UInt256 wrap(BigInteger value) {
    return new UInt256(
        value.shiftRight(192).longValue(),
        value.shiftRight(128).longValue(),
        value.shiftRight(64).longValue(),
        value.longValue());
  }

  private static long carry(long a, long b, long sum) {
    return ((a & b) | ((a | b) & ~sum)) >>> 63;
  }

  private static long borrow(long a, long b, long difference) {
    return ((~a & b) | ((~a | b) & difference)) >>> 63;
  }
}
