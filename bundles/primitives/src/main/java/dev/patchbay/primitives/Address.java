// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.primitives;

import dev.patchbay.crypto.Keccak;
import java.nio.ByteBuffer;
import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/** A 20-byte account address (Yellow Paper, section 4.1). */
public final class Address implements Comparable<Address> {
  /** Length in bytes. */
  public static final int SIZE = 20;

  /** All bytes zero. */
  public static final Address ZERO = new Address(new byte[SIZE]);

  private final byte[] bytes;

  /** Computed on first use; two threads that do so store the same. */
  private @Nullable Hash keccak;

  private Address(byte[] bytes) {
    if (bytes.length != SIZE) {
      throw new IllegalArgumentException("address must be " + SIZE + " bytes, not " + bytes.length);
    }
    this.bytes = bytes;
  }

  /**
   * Returns a value with a copy of {@code bytes}.
   *
   * @throws IllegalArgumentException when there are not 20 bytes
   */
  public static Address of(byte[] bytes) {
    return new Address(bytes.clone());
  }

  /** Wraps an array of 20 bytes that the caller gives up. */
  public static Address wrap(byte[] bytes) {
    return new Address(bytes);
  }

  /**
   * Decodes {@code 0x} and 40 digits.
   *
   * @throws IllegalArgumentException when the text is anything else
   */
  public static Address fromHex(String text) {
    return new Address(Hex.decode(text, "address", SIZE));
  }

  /** Returns the address of an uncompressed public key of 64 bytes. */
  public static Address ofPublicKey(byte[] publicKey) {
    return new Address(dev.patchbay.crypto.Secp256k1.address(publicKey));
  }

  /** Returns the address in the low 20 bytes of a word, as the EVM reads one off the stack. */
  public static Address ofWord(UInt256 word) {
    return new Address(Arrays.copyOfRange(word.toArray(), 12, 32));
  }

  /** Returns the address that a contract creation from {@code sender} with {@code nonce} yields. */
  public static Address ofCreation(Address sender, long nonce) {
    byte[] rlp =
        new dev.patchbay.primitives.rlp.RlpWriter()
            .list(w -> w.address(sender).number(nonce))
            .toArray();
    return new Address(Arrays.copyOfRange(Keccak.hash256(rlp), 12, 32));
  }

  /** Returns the address that CREATE2 yields (EIP-1014). */
  public static Address ofCreate2(Address sender, byte[] salt, byte[] initCodeHash) {
    byte[] input =
        ByteBuffer.allocate(85)
            .put((byte) 0xff)
            .put(sender.bytes)
            .put(salt)
            .put(initCodeHash)
            .array();
    return new Address(Arrays.copyOfRange(Keccak.hash256(input), 12, 32));
  }

  /** Returns the Keccak-256 hash of the address: its key in the state trie. */
  public Hash keccak() {
    Hash known = keccak;
    if (known == null) {
      known = Hash.wrap(Keccak.hash256(bytes));
      keccak = known;
    }
    return known;
  }

  /** Returns the mixed-case form with a checksum (EIP-55). */
  public String toChecksumString() {
    String digits = toString().substring(2);
    byte[] hash = Keccak.hash256(digits.getBytes(java.nio.charset.StandardCharsets.US_ASCII));
    StringBuilder out = new StringBuilder("0x");
    for (int i = 0; i < digits.length(); i++) {
      int nibble = (hash[i >> 1] >> ((i & 1) == 0 ? 4 : 0)) & 0xf;
      char c = digits.charAt(i);
      out.append(nibble > 7 ? Character.toUpperCase(c) : c);
    }
    return out.toString();
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
  public int compareTo(Address other) {
    return Arrays.compareUnsigned(bytes, other.bytes);
  }

  @Override
  public boolean equals(@org.jspecify.annotations.Nullable Object other) {
    return other instanceof Address o && Arrays.equals(bytes, o.bytes);
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
