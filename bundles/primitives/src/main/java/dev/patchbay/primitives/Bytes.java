// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.primitives;

import dev.patchbay.crypto.Keccak;
import java.util.Arrays;

/** An immutable sequence of bytes. */
public final class Bytes {
  /** The empty sequence. */
  public static final Bytes EMPTY = new Bytes(new byte[0]);

  private final byte[] bytes;

  private Bytes(byte[] bytes) {
    this.bytes = bytes;
  }

  /** Returns a copy of {@code bytes}. */
  public static Bytes of(byte[] bytes) {
    return bytes.length == 0 ? EMPTY : new Bytes(bytes.clone());
  }

  /** Wraps an array that the caller gives up: nobody may write to it afterwards. */
  public static Bytes wrap(byte[] bytes) {
    return bytes.length == 0 ? EMPTY : new Bytes(bytes);
  }

  /**
   * Decodes {@code 0x…} text.
   *
   * @throws IllegalArgumentException when the text is not hexadecimal
   */
  public static Bytes fromHex(String text) {
    return wrap(Hex.decode(text));
  }

  /** Returns the number of bytes. */
  public int size() {
    return bytes.length;
  }

  /** Returns whether there are no bytes. */
  public boolean isEmpty() {
    return bytes.length == 0;
  }

  /** Returns the byte at {@code index}, counted from 0. */
  public byte get(int index) {
    return bytes[index];
  }

  /** Returns a copy of the content. */
  public byte[] toArray() {
    return bytes.clone();
  }

  /** Returns the array itself, without a copy: the caller must not write to it. */
  public byte[] unsafeArray() {
    return bytes;
  }

  /** Returns the bytes from {@code from} (inclusive) to {@code to} (exclusive). */
  public Bytes slice(int from, int to) {
    java.util.Objects.checkFromToIndex(from, to, bytes.length);
    return wrap(Arrays.copyOfRange(bytes, from, to));
  }

  /** Returns the Keccak-256 hash of the content. */
  public Hash keccak() {
    return Hash.wrap(Keccak.hash256(bytes));
  }

  @Override
  public boolean equals(@org.jspecify.annotations.Nullable Object other) {
    return other instanceof Bytes o && Arrays.equals(bytes, o.bytes);
  }

  @Override
  public int hashCode() {
    return Arrays.hashCode(bytes);
  }

  /** Returns {@code 0x} and the digits. */
  @Override
  public String toString() {
    return Hex.encode(bytes);
  }
}
