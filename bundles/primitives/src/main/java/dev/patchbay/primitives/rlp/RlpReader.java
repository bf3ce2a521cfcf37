// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.primitives.rlp;

import dev.patchbay.primitives.Address;
import dev.patchbay.primitives.Bytes;
import dev.patchbay.primitives.Hash;
import dev.patchbay.primitives.UInt256;
import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/**
 * Reads canonical RLP, item by item. Lengths are checked against the input before anything is
 * allocated; a non-minimal length or a padded single byte is refused.
 *
 * <p>Threading: one thread at a time. Every method throws {@link RlpException} when the next item
 * is not what it asks for.
 */
public final class RlpReader {
  private final byte[] input;
  private final int end;
  private int at;
  private int contentStart;
  private int contentEnd;
  private boolean list;

  private RlpReader(byte[] input, int from, int to) {
    this.input = input;
    this.at = from;
    this.end = to;
  }

  /** Reads from an array that nobody writes to while reading. */
  public static RlpReader of(byte[] input) {
    return new RlpReader(input, 0, input.length);
  }

  /** Reads from an array, starting at {@code offset}. */
  public static RlpReader of(byte[] input, int offset) {
    java.util.Objects.checkFromToIndex(offset, input.length, input.length);
    return new RlpReader(input, offset, input.length);
  }

  /** Returns whether another item follows. */
  public boolean hasNext() {
    return at < end;
  }

  /** Returns the offset of the next item in the array. */
  public int offset() {
    return at;
  }

  /** Checks that no item follows. */
  public void expectEnd() {
    if (at < end) {
      throw new RlpException((end - at) + " bytes too many at offset " + at);
    }
  }

  /** Returns whether the next item is a list. */
  public boolean nextIsList() {
    parse();
    return list;
  }

  /** Returns a reader of the items of the next item, a list. */
  public RlpReader list() {
    parse();
    if (!list) {
      throw new RlpException("expected a list at offset " + at);
    }
    at = contentEnd;
    return new RlpReader(input, contentStart, contentEnd);
  }

  /** Returns the next item with its header, as it stands in the input. */
  public byte[] raw() {
    parse();
    byte[] out = Arrays.copyOfRange(input, at, contentEnd);
    at = contentEnd;
    return out;
  }

  /** Skips the next item. */
  public void skip() {
    parse();
    at = contentEnd;
  }

  /** Returns the next item, a byte string. */
  public byte[] byteArray() {
    string();
    byte[] out = Arrays.copyOfRange(input, contentStart, contentEnd);
    at = contentEnd;
    return out;
  }

  /** Returns the next item, a byte string. */
  public Bytes bytes() {
    return Bytes.wrap(byteArray());
  }

  /** Returns the next item, exactly 32 bytes. */
  public Hash hash() {
    return Hash.wrap(fixed(32));
  }

  /** Returns the next item, exactly 20 bytes. */
  public Address address() {
    return Address.wrap(fixed(20));
  }

  /** Returns the next item: 20 bytes, or null for the empty string. */
  public @Nullable Address addressOrNull() {
    string();
    if (contentStart == contentEnd) {
      at = contentEnd;
      return null;
    }
    return address();
  }

  /** Returns the next item as a byte string of exactly {@code length} bytes. */
  public byte[] fixed(int length) {
    string();
    if (contentEnd - contentStart != length) {
      throw new RlpException(
          "expected "
              + length
              + " bytes at offset "
              + at
              + ", found "
              + (contentEnd - contentStart));
    }
    return byteArray();
  }

  /** Returns the next item, a scalar of at most 64 bits (to be read as unsigned). */
  public long number() {
    scalar(8);
    long value = 0;
    for (int i = contentStart; i < contentEnd; i++) {
      value = value << 8 | (input[i] & 0xff);
    }
    at = contentEnd;
    return value;
  }

  /** Returns the next item, a scalar of at most 256 bits. */
  public UInt256 uint256() {
    scalar(32);
    return UInt256.ofBytes(byteArray());
  }

  private void scalar(int limit) {
    string();
    int length = contentEnd - contentStart;
    if (length > limit) {
      throw new RlpException(
          "scalar of " + length + " bytes at offset " + at + ", at most " + limit);
    }
    if (length > 0 && input[contentStart] == 0) {
      throw new RlpException("scalar with leading zero at offset " + at);
    }
  }

  private void string() {
    parse();
    if (list) {
      throw new RlpException("expected a byte string at offset " + at + ", found a list");
    }
  }

  private void parse() {
    if (at >= end) {
      throw new RlpException("input ends at offset " + at + " where an item is expected");
    }
    int first = input[at] & 0xff;
    list = first >= 0xc0;
    if (first < 0x80) {
      contentStart = at;
      contentEnd = at + 1;
      return;
    }
    int form = first - (list ? 0xc0 : 0x80);
    long length = form;
    contentStart = at + 1;
    if (form >= 56) {
      int lengthBytes = form - 55;
      if (lengthBytes > end - contentStart) {
        throw new RlpException("truncated length at offset " + at);
      }
      if (input[contentStart] == 0) {
        throw new RlpException("length with leading zero at offset " + at);
      }
      length = 0;
      for (int i = 0; i < lengthBytes; i++) {
        length = length << 8 | (input[contentStart + i] & 0xff);
      }
      if (lengthBytes == 8 && length < 0 || length > Integer.MAX_VALUE) {
        throw new RlpException("item at offset " + at + " is longer than the input");
      }
      if (length < 56) {
        throw new RlpException("long form for a length of " + length + " at offset " + at);
      }
      contentStart += lengthBytes;
    }
    if (length > end - contentStart) {
      throw new RlpException(
          "item of "
              + length
              + " bytes at offset "
              + at
              + ", "
              + (end - contentStart)
              + " are left");
    }
    contentEnd = contentStart + (int) length;
    if (!list && length == 1 && input[contentStart] >= 0) {
      throw new RlpException("single byte with a length prefix at offset " + at);
    }
  }
}
