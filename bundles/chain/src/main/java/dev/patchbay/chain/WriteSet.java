// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.chain;

import dev.patchbay.api.storage.Column;
import dev.patchbay.api.storage.KeyReader;
import dev.patchbay.api.storage.WriteBatch;
import java.util.Arrays;
import java.util.HashMap;
import java.util.Iterator;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.function.BiConsumer;
import java.util.function.BiPredicate;
import org.jspecify.annotations.Nullable;

/**
 * Uncommitted writes by column and key. A write set does not know its base, so that the writes of a
 * block can be put over the state after its parent wherever that is.
 *
 * <p>Threading: one thread at a time writes; while none does, any number read.
 */
final class WriteSet {
  /** The columns of trie nodes. */
  static final List<Column> TRIES = List.of(Columns.ACCOUNT_TRIE, Columns.STORAGE_TRIE);

  /** Stands for a value that was deleted. */
  static final byte[] DELETED = new byte[0];

  /** A tree entry and two array headers. */
  private static final int OVERHEAD = 72;

  private final Map<Column, TreeMap<byte[], byte[]>> columns = new HashMap<>();
  private long bytes;

  private TreeMap<byte[], byte[]> column(Column column) {
    return columns.computeIfAbsent(column, c -> new TreeMap<>(Arrays::compareUnsigned));
  }

  void put(Column column, byte[] key, byte[] value) {
    byte[] before = column(column).put(key, value);
    bytes += value.length - (before == null ? -key.length - OVERHEAD : before.length);
  }

  void delete(Column column, byte[] key) {
    put(column, key, DELETED);
  }

  /** Adds later writes. */
  void addAll(WriteSet later) {
    later.columns.forEach(
        (column, entries) -> entries.forEach((key, value) -> put(column, key, value)));
  }

  /** Adds earlier writes: a key that these have written keeps its value. */
  void addAllBelow(WriteSet earlier) {
    earlier.columns.forEach(
        (column, entries) ->
            entries.forEach(
                (key, value) -> {
                  if (find(column, key) == null) {
                    put(column, key, value);
                  }
                }));
  }

  /** Returns about how many bytes of memory these take. */
  long bytes() {
    return bytes;
  }

  /**
   * Returns what was written to a key, {@link #DELETED} when it was deleted, null when neither; the
   * array must not be changed.
   */
  byte @Nullable [] find(Column column, byte[] key) {
    TreeMap<byte[], byte[]> entries = columns.get(column);
    return entries == null ? null : entries.get(key);
  }

  /** Returns what is read where these writes lie on top of {@code base}. */
  KeyReader over(KeyReader base) {
    return new KeyReader() {
      @Override
      public byte @Nullable [] get(Column column, byte[] key) {
        byte[] written = find(column, key);
        if (written == null) {
          return base.get(column, key);
        }
        return written == DELETED ? null : written.clone();
      }

      @Override
      public void scan(Column column, byte[] from, BiPredicate<byte[], byte[]> visitor) {
        WriteSet.this.scan(base, column, from, visitor);
      }
    };
  }

  private void scan(
      KeyReader base, Column column, byte[] from, BiPredicate<byte[], byte[]> visitor) {
    TreeMap<byte[], byte[]> entries = columns.get(column);
    if (entries == null) {
      base.scan(column, from, visitor);
      return;
    }
    Pending pending = new Pending(entries.tailMap(from, true), visitor);
    boolean[] stopped = {false};
    base.scan(
        column,
        from,
        (key, value) -> {
          stopped[0] = !pending.visitBelow(key);
          if (!stopped[0]) {
            byte[] written = pending.takeAt(key);
            byte[] now = written == null ? value : written;
            stopped[0] = now != DELETED && !visitor.test(key, now.clone());
          }
          return !stopped[0];
        });
    if (!stopped[0]) {
      pending.visitBelow(null);
    }
  }

  /** The writes that a scan has still to come to. */
  private static final class Pending {
    private final Iterator<Map.Entry<byte[], byte[]>> rest;
    private final BiPredicate<byte[], byte[]> visitor;
    private Map.@Nullable Entry<byte[], byte[]> next;

    Pending(Map<byte[], byte[]> writes, BiPredicate<byte[], byte[]> visitor) {
      this.rest = writes.entrySet().iterator();
      this.visitor = visitor;
      advance();
    }

    private void advance() {
      next = rest.hasNext() ? rest.next() : null;
    }

    /** Visits the writes below a key, all of them without one; returns whether to go on. */
    boolean visitBelow(byte @Nullable [] key) {
      for (Map.Entry<byte[], byte[]> entry = next; entry != null; entry = next) {
        if (key != null && Arrays.compareUnsigned(entry.getKey(), key) >= 0) {
          return true;
        }
        advance();
        if (entry.getValue() != DELETED
            && !visitor.test(entry.getKey().clone(), entry.getValue().clone())) {
          return false;
        }
      }
      return true;
    }

    /** Returns what is written at a key, which is not above the next, or null. */
    byte @Nullable [] takeAt(byte[] key) {
      Map.Entry<byte[], byte[]> entry = next;
      if (entry == null || !Arrays.equals(entry.getKey(), key)) {
        return null;
      }
      advance();
      return entry.getValue();
    }
  }

  /**
   * Visits the writes of a column; a value is null where the key is deleted. The arrays must not be
   * changed.
   */
  void forEach(Column column, BiConsumer<byte[], byte @Nullable []> visitor) {
    TreeMap<byte[], byte[]> entries = columns.get(column);
    if (entries != null) {
      entries.forEach((key, value) -> visitor.accept(key, value == DELETED ? null : value));
    }
  }

  /** Returns all writes. */
  WriteBatch toBatch() {
    WriteBatch batch = toBatchWithoutTries();
    TRIES.forEach(column -> add(batch, column));
    return batch;
  }

  /** Returns the writes less those of trie nodes. */
  WriteBatch toBatchWithoutTries() {
    WriteBatch batch = new WriteBatch();
    // history before the state that it describes: see States.Historic
    add(batch, Columns.ACCOUNT_HISTORY);
    add(batch, Columns.SLOT_HISTORY);
    for (Column column : Columns.ALL) {
      if (column != Columns.ACCOUNT_HISTORY
          && column != Columns.SLOT_HISTORY
          && !TRIES.contains(column)) {
        add(batch, column);
      }
    }
    return batch;
  }

  private void add(WriteBatch batch, Column column) {
    forEach(
        column,
        (key, value) -> {
          if (value == null) {
            batch.delete(column, key);
          } else {
            batch.put(column, key, value);
          }
        });
  }
}
