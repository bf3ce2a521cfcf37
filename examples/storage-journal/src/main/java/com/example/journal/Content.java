// SPDX-License-Identifier: Apache-2.0
package com.example.journal;

import dev.patchbay.api.storage.Column;
import dev.patchbay.api.storage.WriteBatch;
import java.util.Arrays;
import java.util.HashMap;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.function.BiPredicate;

/**
 * The entries of a store by column. A batch makes new content, in a time that grows with the
 * columns that it writes to; readers and snapshots keep the content that they began with.
 *
 * <p>Threading: any thread once it is published; {@link #put} and {@link #add} before that.
 */
final class Content {
  private final Map<String, TreeMap<byte[], byte[]>> columns;

  /** Creates content without columns. */
  Content() {
    this(new HashMap<>());
  }

  private Content(Map<String, TreeMap<byte[], byte[]>> columns) {
    this.columns = columns;
  }

  Set<String> names() {
    return columns.keySet();
  }

  /** Adds a column, unless it is there. */
  void add(String column) {
    columns.computeIfAbsent(column, name -> new TreeMap<>(Arrays::compareUnsigned));
  }

  /** Sets the value of a key; null removes the key. */
  void put(String column, byte[] key, byte[] value) {
    if (value == null) {
      entries(column).remove(key);
    } else {
      entries(column).put(key, value);
    }
  }

  /** Returns the content after a batch; this content stays as it is. */
  Content after(WriteBatch batch) {
    Content next = new Content(new HashMap<>(columns));
    for (WriteBatch.Entry entry : batch.entries()) {
      String column = entry.column().name();
      TreeMap<byte[], byte[]> entries = next.entries(column);
      if (entries == columns.get(column)) {
        next.columns.put(column, new TreeMap<>(entries));
      }
      next.put(column, entry.key(), entry.value());
    }
    return next;
  }

  private TreeMap<byte[], byte[]> entries(String column) {
    TreeMap<byte[], byte[]> entries = columns.get(column);
    if (entries == null) {
      throw new IllegalArgumentException("the store has no column " + column);
    }
    return entries;
  }

  byte[] get(Column column, byte[] key) {
    byte[] value = entries(column.name()).get(key);
    return value == null ? null : value.clone();
  }

  void scan(Column column, byte[] from, BiPredicate<byte[], byte[]> visitor) {
    for (Map.Entry<byte[], byte[]> entry : entries(column.name()).tailMap(from).entrySet()) {
      if (!visitor.test(entry.getKey().clone(), entry.getValue().clone())) {
        return;
      }
    }
  }

  long count(Column column) {
    return entries(column.name()).size();
  }
}
