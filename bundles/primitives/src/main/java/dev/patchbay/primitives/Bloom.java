// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.primitives;

import dev.patchbay.crypto.Keccak;
import java.util.Arrays;
import java.util.List;

/** A 2048-bit Bloom filter over log addresses and topics (Yellow Paper, section 4.3.1). */
public final class Bloom {
  /** Length in bytes. */
  public static final int SIZE = 256;

  /** The filter that contains nothing. */
  public static final Bloom EMPTY = new Bloom(new byte[SIZE]);

  private final byte[] bytes;

  private Bloom(byte[] bytes) {
    if (bytes.length != SIZE) {
      throw new IllegalArgumentException("bloom must be 256 bytes, not " + bytes.length);
    }
    this.bytes = bytes;
  }

  /** Wraps 256 bytes that the caller gives up. */
  public static Bloom wrap(byte[] bytes) {
    return new Bloom(bytes);
  }

  /** Returns the filter of some logs. */
  public static Bloom of(List<Log> logs) {
    if (logs.isEmpty()) {
      return EMPTY;
    }
    byte[] bits = new byte[SIZE];
    for (Log log : logs) {
      set(bits, log.address().unsafeArray());
      log.topics().forEach(topic -> set(bits, topic.unsafeArray()));
    }
    return new Bloom(bits);
  }

  /** Returns the union of filters; an empty one for none. */
  public static Bloom union(Iterable<Bloom> filters) {
    byte[] bits = new byte[SIZE];
    for (Bloom filter : filters) {
      for (int i = 0; i < SIZE; i++) {
        bits[i] |= filter.bytes[i];
      }
    }
    return new Bloom(bits);
  }

  /** Returns false when {@code value}, an address or a topic, is certainly not in the filter. */
  public boolean mayContain(byte[] value) {
    byte[] hash = Keccak.hash256(value);
    for (int i = 0; i < 6; i += 2) {
      int bit = bit(hash, i);
      if ((bytes[SIZE - 1 - bit / 8] & (1 << (bit % 8))) == 0) {
        return false;
      }
    }
    return true;
  }

  /** Returns the array itself, without a copy: the caller must not write to it. */
  public byte[] unsafeArray() {
    return bytes;
  }

  @Override
  public boolean equals(@org.jspecify.annotations.Nullable Object other) {
    return other instanceof Bloom o && Arrays.equals(bytes, o.bytes);
  }

  @Override
  public int hashCode() {
    return Arrays.hashCode(bytes);
  }

  @Override
  public String toString() {
    return Hex.encode(bytes);
  }

  private static void set(byte[] bits, byte[] value) {
    byte[] hash = Keccak.hash256(value);
    for (int i = 0; i < 6; i += 2) {
      int bit = bit(hash, i);
      bits[SIZE - 1 - bit / 8] |= (byte) (1 << (bit % 8));
    }
  }

  private static int bit(byte[] hash, int at) {
    return ((hash[at] & 0x07) << 8) | (hash[at + 1] & 0xff);
  }
}
