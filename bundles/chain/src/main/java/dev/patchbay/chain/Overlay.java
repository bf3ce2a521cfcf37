// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.chain;

import dev.patchbay.api.storage.Column;
import dev.patchbay.api.storage.KeyReader;
import dev.patchbay.api.storage.WriteBatch;
import dev.patchbay.primitives.Bytes;
import java.util.Arrays;
import java.util.EnumMap;
import java.util.Iterator;
import java.util.List;
import java.util.Map;
import java.util.Queue;
import java.util.TreeMap;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.BiConsumer;
import java.util.function.BiPredicate;
import org.jspecify.annotations.Nullable;

/**
 * Writes on top of a store, not yet in it. Reads see them. One overlay becomes one batch, or is
 * dropped. Threading: one thread writes at a time; while none does, any number read.
 */
final class Overlay implements KeyReader {
  /** The columns of trie nodes. */
  static final List<Column> TRIES = List.of(Column.ACCOUNT_TRIE, Column.STORAGE_TRIE);

  private static final byte[] DELETED = new byte[0];

  private final KeyReader base;
  private final Map<Column, TreeMap<byte[], byte[]>> writes = new EnumMap<>(Column.class);

  /** Accounts and slots as the base has them: a block asks for most of them more than once. */
  private final Map<Bytes, byte[]> accounts = new ConcurrentHashMap<>();

  private final Map<Bytes, byte[]> slots = new ConcurrentHashMap<>();

  private volatile @Nullable Queue<Bytes> slotsRead;

  Overlay(KeyReader base) {
    this.base = base;
  }

  /** Adds the slots that are read from the base, from now on, to a queue; null ends that. */
  void tellSlots(@Nullable Queue<Bytes> queue) {
    slotsRead = queue;
  }

  private TreeMap<byte[], byte[]> column(Column column) {
    return writes.computeIfAbsent(column, c -> new TreeMap<>(Arrays::compareUnsigned));
  }

  void put(Column column, byte[] key, byte[] value) {
    column(column).put(key, value);
  }

  void delete(Column column, byte[] key) {
    column(column).put(key, DELETED);
  }

  @Override
  public byte @Nullable [] get(Column column, byte[] key) {
    TreeMap<byte[], byte[]> pending = writes.get(column);
    byte[] written = pending == null ? null : pending.get(key);
    if (written == null) {
      return switch (column) {
        case ACCOUNTS -> remembered(accounts, column, key);
        case SLOTS -> remembered(slots, column, key);
        default -> base.get(column, key);
      };
    }
    return written == DELETED ? null : written.clone();
  }

  private byte @Nullable [] remembered(Map<Bytes, byte[]> known, Column column, byte[] key) {
    Bytes asked = Bytes.wrap(key);
    byte[] value = known.get(asked);
    if (value == null) {
      byte[] read = base.get(column, key);
      value = read == null ? DELETED : read;
      Bytes kept = Bytes.of(key);
      known.put(kept, value);
      Queue<Bytes> told = slotsRead;
      if (told != null && column == Column.SLOTS) {
        told.add(kept);
      }
    }
    return value == DELETED ? null : value.clone();
  }

  @Override
  public void scan(Column column, byte[] from, BiPredicate<byte[], byte[]> visitor) {
    TreeMap<byte[], byte[]> writing = writes.get(column);
    if (writing == null) {
      base.scan(column, from, visitor);
      return;
    }
    Pending pending = new Pending(writing.tailMap(from, true), visitor);
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
  void forEachWrite(Column column, BiConsumer<byte[], byte @Nullable []> visitor) {
    TreeMap<byte[], byte[]> pending = writes.get(column);
    if (pending != null) {
      pending.forEach((key, value) -> visitor.accept(key, value == DELETED ? null : value));
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
    add(batch, Column.ACCOUNT_HISTORY);
    add(batch, Column.SLOT_HISTORY);
    for (Column column : Column.values()) {
      if (column != Column.ACCOUNT_HISTORY
          && column != Column.SLOT_HISTORY
          && !TRIES.contains(column)) {
        add(batch, column);
      }
    }
    return batch;
  }

  private void add(WriteBatch batch, Column column) {
    forEachWrite(
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
