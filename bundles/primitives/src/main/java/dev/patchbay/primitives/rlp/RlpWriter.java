// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.primitives.rlp;

import dev.patchbay.primitives.Address;
import dev.patchbay.primitives.Bytes;
import dev.patchbay.primitives.Hash;
import dev.patchbay.primitives.UInt256;
import java.util.Arrays;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * Builds RLP. Every method appends one item and returns this writer.
 *
 * <p>Threading: one thread at a time.
 */
public final class RlpWriter {
  private static final int CAPACITY = 600;

  private byte[] buffer;
  private int size;

  /** Creates an empty one. */
  public RlpWriter() {
    this(CAPACITY);
  }

  /** Creates an empty one with room for so many bytes; more is made where that is not enough. */
  public RlpWriter(int capacity) {
    buffer = new byte[capacity];
  }

  /** Returns how many bytes a byte string takes. */
  public static int sizeOf(byte[] value) {
    return value.length == 1 && value[0] >= 0 ? 1 : sizeWithHeader(value.length);
  }

  /** Returns how many bytes so much content takes, be it a list's items or a byte string. */
  public static int sizeWithHeader(int content) {
    return headerSize(content) + content;
  }

  private static int headerSize(int length) {
    return length < 56 ? 1 : 1 + byteLength(length);
  }

  /** Appends a byte string. */
  public RlpWriter bytes(byte[] value) {
    if (value.length == 1 && value[0] >= 0) {
      ensure(1);
      buffer[size++] = value[0];
      return this;
    }
    header(0x80, value.length);
    return raw(value);
  }

  /** Appends a byte string. */
  public RlpWriter bytes(Bytes value) {
    return bytes(value.unsafeArray());
  }

  /** Appends 32 bytes. */
  public RlpWriter hash(Hash value) {
    return bytes(value.unsafeArray());
  }

  /** Appends 20 bytes, or the empty string for null (contract creation). */
  public RlpWriter address(@Nullable Address value) {
    if (value == null) {
      ensure(1);
      buffer[size++] = (byte) 0x80;
      return this;
    }
    return bytes(value.unsafeArray());
  }

  /** Appends an unsigned 64-bit scalar. */
  public RlpWriter number(long value) {
    if (value >= 0 && value < 0x80) {
      ensure(1);
      buffer[size++] = (byte) (value == 0 ? 0x80 : value);
    } else {
      int length = byteLength(value);
      ensure(1 + length);
      buffer[size++] = (byte) (0x80 + length);
      bigEndian(value, length);
    }
    return this;
  }

  /** Appends a scalar. */
  public RlpWriter number(UInt256 value) {
    return value.fitsLong() ? number(value.longValue()) : bytes(value.toMinimalArray());
  }

  /** Appends a list whose items {@code content} writes. */
  public RlpWriter list(Consumer<RlpWriter> content) {
    int start = size;
    content.accept(this);
    int length = size - start;
    int headerLength = headerSize(length);
    ensure(headerLength);
    System.arraycopy(buffer, start, buffer, start + headerLength, length);
    size = start;
    header(0xc0, length);
    size += length;
    return this;
  }

  /** Begins a list whose items, which are appended next, take {@code content} bytes. */
  public RlpWriter beginList(int content) {
    header(0xc0, content);
    return this;
  }

  /** Appends bytes that are RLP already. */
  public RlpWriter raw(byte[] encoded) {
    return raw(encoded, 0, encoded.length);
  }

  /** Appends a range of bytes that are RLP already. */
  public RlpWriter raw(byte[] encoded, int from, int to) {
    ensure(to - from);
    System.arraycopy(encoded, from, buffer, size, to - from);
    size += to - from;
    return this;
  }

  /** Appends one byte as it is: the type of an EIP-2718 envelope. */
  public RlpWriter rawByte(int value) {
    ensure(1);
    buffer[size++] = (byte) value;
    return this;
  }

  /** Returns what was written, and ends the writer: nothing may be appended any more. */
  public byte[] toArray() {
    return size == buffer.length ? buffer : Arrays.copyOf(buffer, size);
  }

  private void header(int base, int length) {
    ensure(headerSize(length));
    if (length < 56) {
      buffer[size++] = (byte) (base + length);
    } else {
      int lengthBytes = byteLength(length);
      buffer[size++] = (byte) (base + 55 + lengthBytes);
      bigEndian(length, lengthBytes);
    }
  }

  private void bigEndian(long value, int length) {
    for (int shift = (length - 1) * 8; shift >= 0; shift -= 8) {
      buffer[size++] = (byte) (value >>> shift);
    }
  }

  private static int byteLength(long value) {
    return (71 - Long.numberOfLeadingZeros(value)) / 8;
  }

  private void ensure(int more) {
    if (size + more > buffer.length) {
      buffer = Arrays.copyOf(buffer, Math.max(size + more, buffer.length * 2));
    }
  }
}
