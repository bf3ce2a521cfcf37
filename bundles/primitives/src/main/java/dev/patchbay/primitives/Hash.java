// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.primitives;

import dev.patchbay.crypto.Keccak;
import java.util.Arrays;

/** A 32-byte word that is not a number: a Keccak-256 hash, a trie root, a storage key. */
public final class Hash implements Comparable<Hash> {
  /** Length in bytes. */
  public static final int SIZE = 32;

  /** All bytes zero. */
  public static final Hash ZERO = new Hash(new byte[SIZE]);

  private final byte[] bytes;

  private Hash(byte[] bytes) {
    if (bytes.length != SIZE) {
      throw new IllegalArgumentException("hash must be " + SIZE + " bytes, not " + bytes.length);
    }
    this.bytes = bytes;
  }

  /**
   * Returns a value with a copy of {@code bytes}.
   *
   * @throws IllegalArgumentException when there are not 32 bytes
   */
  public static Hash of(byte[] bytes) {
    return new Hash(bytes.clone());
  }

  /** Wraps an array of 32 bytes that the caller gives up. */
  public static Hash wrap(byte[] bytes) {
    return new Hash(bytes);
  }

  /**
   * Decodes {@code 0x} and 64 digits.
   *
   * @throws IllegalArgumentException when the text is anything else
   */
  public static Hash fromHex(String text) {
    return new Hash(Hex.decode(text, "hash", SIZE));
  }

  /** Returns the Keccak-256 hash of {@code input}. */
  public static Hash keccak(byte[] input) {
    return new Hash(Keccak.hash256(input));
  }

  /** Returns a copy of the content. */
  public byte[] toArray() {
    return bytes.clone();
  }

  /** Returns the array itself, without a copy: the caller must not write to it. */
  public byte[] unsafeArray() {
    return bytes;
  }

  /** Returns whether all bytes are zero. */
  public boolean isZero() {
    return equals(ZERO);
  }

  @Override
  public int compareTo(Hash other) {
    return Arrays.compareUnsigned(bytes, other.bytes);
  }

  @Override
  public boolean equals(@org.jspecify.annotations.Nullable Object other) {
    return other instanceof Hash o && Arrays.equals(bytes, o.bytes);
  }

  @Override
  public int hashCode() {
    return Arrays.hashCode(bytes);
  }

  /** Returns {@code 0x} and the digits, in lower case. */
  @Override
  public String toString() {
    return Hex.encode(bytes);
  }
}
