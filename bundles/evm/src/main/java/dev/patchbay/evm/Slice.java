// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.evm;

import java.util.Arrays;

/**
 * A range of bytes of somebody else's array: the data of a call lies in the memory of its caller,
 * what it returns in its own. It is valid as long as that memory is; nobody writes through it.
 */
final class Slice {
  private static final byte[] NO_BYTES = new byte[0];

  byte[] array = NO_BYTES;
  int offset;
  int length;

  void set(byte[] bytes) {
    set(bytes, 0, bytes.length);
  }

  void set(Slice other) {
    set(other.array, other.offset, other.length);
  }

  void set(byte[] bytes, int from, int size) {
    array = bytes;
    offset = from;
    length = size;
  }

  void clear() {
    set(NO_BYTES, 0, 0);
  }

  byte[] toArray() {
    return Arrays.copyOfRange(array, offset, offset + length);
  }
}
