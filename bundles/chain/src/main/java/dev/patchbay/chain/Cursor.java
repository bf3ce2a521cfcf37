// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.chain;

import dev.patchbay.api.storage.Column;
import dev.patchbay.api.storage.KeyReader;
import java.util.ArrayDeque;
import java.util.Arrays;
import java.util.Deque;
import org.jspecify.annotations.Nullable;

/**
 * The entries of a column in ascending order of keys, read in portions of bounded size. Threading:
 * one thread.
 */
final class Cursor {
  private static final int MAX_ENTRIES = 1_000;
  private static final long MAX_BYTES = 1L << 20;

  private final KeyReader reader;
  private final Column column;
  private final Runnable beforePortion;
  private final Deque<Entry> portion = new ArrayDeque<>();

  /** The first key of the next portion; null after the last portion. */
  private byte @Nullable [] next;

  /** An entry, whose arrays belong to the caller. */
  record Entry(byte[] key, byte[] value) {
    boolean startsWith(byte[] prefix) {
      return key.length >= prefix.length
          && Arrays.equals(key, 0, prefix.length, prefix, 0, prefix.length);
    }

    /** Returns whether the key is below another one. */
    boolean isBelow(byte[] other) {
      return Arrays.compareUnsigned(key, other) < 0;
    }
  }

  /** Creates a cursor over all entries. */
  Cursor(KeyReader reader, Column column, Runnable beforePortion) {
    this(reader, column, new byte[0], beforePortion);
  }

  /** Creates a cursor over the entries from a key on. */
  Cursor(KeyReader reader, Column column, byte[] from, Runnable beforePortion) {
    this.next = from;
    this.reader = reader;
    this.column = column;
    this.beforePortion = beforePortion;
  }

  /** Returns the next entry and stays before it; null at the end. */
  @Nullable Entry peek() {
    byte[] from = next;
    if (portion.isEmpty() && from != null) {
      beforePortion.run();
      read(from);
    }
    return portion.peek();
  }

  /** Returns the next entry and goes on to the one behind it; null at the end. */
  @Nullable Entry next() {
    return peek() == null ? null : portion.poll();
  }

  private void read(byte[] from) {
    next = null;
    long[] bytes = {0};
    reader.scan(
        column,
        from,
        (key, value) -> {
          portion.add(new Entry(key, value));
          bytes[0] += key.length + value.length;
          if (portion.size() < MAX_ENTRIES && bytes[0] < MAX_BYTES) {
            return true;
          }
          next = Arrays.copyOf(key, key.length + 1); // the lowest key above this one
          return false;
        });
  }
}
