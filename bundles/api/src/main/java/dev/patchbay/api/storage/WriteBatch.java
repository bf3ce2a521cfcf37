// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.api.storage;

import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Writes that take effect together, in order. Keys and values are never null; arrays belong to the
 * batch once added.
 *
 * <p>Threading: one thread at a time.
 */
public final class WriteBatch {
  /**
   * One write.
   *
   * @param column the column
   * @param key the key
   * @param value the value; null deletes the key
   */
  public record Entry(Column column, byte[] key, byte @Nullable [] value) {}

  private final List<Entry> entries = new ArrayList<>();
  private long bytes;

  /** Sets the value of a key. */
  public void put(Column column, byte[] key, byte[] value) {
    entries.add(new Entry(column, key, value));
    bytes += key.length + value.length;
  }

  /** Deletes a key; nothing happens when it is not there. */
  public void delete(Column column, byte[] key) {
    entries.add(new Entry(column, key, null));
    bytes += key.length;
  }

  /** Returns the number of bytes of all keys and values. */
  public long bytes() {
    return bytes;
  }

  /** Returns the writes in order; the list must not be changed. */
  public List<Entry> entries() {
    return entries;
  }
}
