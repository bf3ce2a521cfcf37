// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.storage;

import dev.patchbay.api.storage.Column;
import dev.patchbay.api.storage.KeyReader;
import dev.patchbay.api.storage.KeyValueStore;
import dev.patchbay.api.storage.Snapshot;
import dev.patchbay.api.storage.StorageException;
import dev.patchbay.api.storage.WriteBatch;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.locks.Lock;
import java.util.function.LongConsumer;
import org.jspecify.annotations.Nullable;

/**
 * Copies a store into another while its owner writes. Each column is copied in portions in the
 * order of its keys, each from a snapshot of its own. Writes to columns that the copy has reached
 * are recorded, and applied to the target after each portion. So neither a snapshot nor the record
 * grows with the store.
 *
 * <p>Why it is right: a write to a column that the copy has not reached is in the snapshot of a
 * later portion. A write to a key of the current column that the copy has not reached is applied
 * too early, and is then overwritten by a later snapshot, which holds the same value or a later
 * one.
 *
 * <p>Threading: {@link #record} by the owner with its lock held, the rest by one other thread.
 */
final class Migration {
  /** Bytes of keys and values of a portion. */
  private static final int PORTION_BYTES = 1 << 21;

  /** The recorded writes of a migration take so many bytes, or a 16th of a larger heap. */
  static final long MAX_RECORD_BYTES = Math.max(32L << 20, Runtime.getRuntime().maxMemory() / 16);

  private final KeyValueStore source;
  private final KeyValueStore target;
  private final List<Column> columns;
  private final Map<Column, Integer> order = new HashMap<>();
  private final Lock writes;
  private final Runnable checkCancelled;
  private final LongConsumer copied;
  private final long maxRecordBytes;

  /** Columns that the copy has reached; guarded by {@link #writes}. */
  private int reached;

  /** Batches to apply; guarded by {@link #writes}. */
  private List<WriteBatch> recorded = new ArrayList<>();

  private long recordedBytes;

  /** Whether a batch could not be recorded; guarded by {@link #writes}. */
  private boolean overflowed;

  /**
   * Creates a migration.
   *
   * @param writes the owner's lock
   * @param checkCancelled throws when the migration was cancelled
   * @param copied takes the number of entries of each portion
   * @param maxRecordBytes recorded writes of more bytes end the migration
   */
  Migration(
      KeyValueStore source,
      KeyValueStore target,
      List<Column> columns,
      Lock writes,
      Runnable checkCancelled,
      LongConsumer copied,
      long maxRecordBytes) {
    this.source = source;
    this.target = target;
    this.columns = columns;
    columns.forEach(column -> order.put(column, order.size()));
    this.writes = writes;
    this.checkCancelled = checkCancelled;
    this.copied = copied;
    this.maxRecordBytes = maxRecordBytes;
  }

  /**
   * Takes a batch that was written to the source. Never throws, as the source has the batch: when
   * the batch cannot be recorded, the migration fails.
   */
  void record(WriteBatch batch) {
    try {
      overflowed |= recordedBytes + batch.bytes() > maxRecordBytes;
      if (!overflowed) {
        recorded.add(batch);
        recordedBytes += batch.bytes();
      }
    } catch (OutOfMemoryError full) {
      overflowed = true;
    }
  }

  /** Takes note of a batch that the source may have although its write failed. */
  void lose() {
    overflowed = true;
  }

  /** Copies all columns. */
  void copy() {
    for (Column column : columns) {
      byte[] next = new byte[0];
      while (next != null) {
        checkCancelled.run();
        Portion portion;
        try (Snapshot snapshot = nextPortion(order.getOrDefault(column, 0) + 1)) {
          portion = Portion.read(snapshot, column, next);
        }
        if (!portion.entries.isEmpty()) {
          WriteBatch batch = new WriteBatch();
          portion.entries.forEach(entry -> batch.put(column, entry.key, entry.value));
          target.write(batch);
          copied.accept(portion.entries.size());
        }
        next = portion.next;
      }
    }
    applyRecorded();
  }

  /** Applies what is recorded, and returns a snapshot of the source as the target then is. */
  private Snapshot nextPortion(int columnsReached) {
    applyRecorded();
    writes.lock();
    try {
      apply(take());
      reached = columnsReached;
      return source.snapshot();
    } finally {
      writes.unlock();
    }
  }

  /** Applies what is recorded while the owner goes on. */
  private void applyRecorded() {
    List<WriteBatch> batches;
    writes.lock();
    try {
      batches = take();
    } finally {
      writes.unlock();
    }
    apply(batches);
  }

  /** Applies what is recorded; the caller holds the owner's lock, so nothing is added meanwhile. */
  void finish() {
    apply(take());
  }

  private List<WriteBatch> take() {
    if (overflowed) {
      throw new StorageException(
          "a write could not be recorded: the target takes writes more slowly than the node makes"
              + " them, more than "
              + maxRecordBytes
              + " bytes are waiting, or a write failed");
    }
    List<WriteBatch> batches = recorded;
    recorded = new ArrayList<>();
    recordedBytes = 0;
    return batches;
  }

  private void apply(List<WriteBatch> batches) {
    for (WriteBatch batch : batches) {
      WriteBatch wanted = new WriteBatch();
      for (WriteBatch.Entry entry : batch.entries()) {
        byte[] value = entry.value();
        Integer position = order.get(entry.column());
        if (position == null) {
          throw new StorageException(
              "the owner writes to column " + entry.column() + " without having declared it");
        }
        if (position >= reached) {
          continue; // a later portion has it
        }
        if (value == null) {
          wanted.delete(entry.column(), entry.key());
        } else {
          wanted.put(entry.column(), entry.key(), value);
        }
      }
      target.write(wanted);
    }
  }

  /**
   * Compares both stores entry by entry.
   *
   * @throws StorageException when they differ
   */
  void compare() {
    for (Column column : columns) {
      byte[] next = new byte[0];
      while (next != null) {
        checkCancelled.run();
        next = compare(column, next);
      }
    }
  }

  private byte @Nullable [] compare(Column column, byte[] from) {
    applyRecorded();
    Snapshot ours;
    Snapshot theirs;
    writes.lock();
    try {
      apply(take());
      ours = source.snapshot();
      theirs = target.snapshot();
    } finally {
      writes.unlock();
    }
    try (ours;
        theirs) {
      Portion expected = Portion.read(ours, column, from);
      Portion found = Portion.readUntil(theirs, column, from, expected.next);
      if (!expected.entries.equals(found.entries)) {
        throw new StorageException(
            "the stores disagree on column " + column + " after the copy: the target is damaged");
      }
      return expected.next;
    }
  }

  private record Entry(byte[] key, byte[] value) {
    @Override
    public boolean equals(@Nullable Object other) {
      return other instanceof Entry entry
          && Arrays.equals(key, entry.key)
          && Arrays.equals(value, entry.value);
    }

    @Override
    public int hashCode() {
      return 31 * Arrays.hashCode(key) + Arrays.hashCode(value);
    }
  }

  /**
   * Some entries of a column.
   *
   * @param next where the following ones begin; null at the end of the column
   */
  private record Portion(List<Entry> entries, byte @Nullable [] next) {
    static Portion read(KeyReader reader, Column column, byte[] from) {
      List<Entry> entries = new ArrayList<>();
      byte[][] next = {null};
      long[] bytes = {0};
      reader.scan(
          column,
          from,
          (key, value) -> {
            if (bytes[0] >= PORTION_BYTES) {
              next[0] = key;
              return false;
            }
            bytes[0] += key.length + value.length;
            entries.add(new Entry(key, value));
            return true;
          });
      return new Portion(entries, next[0]);
    }

    static Portion readUntil(KeyReader reader, Column column, byte[] from, byte @Nullable [] end) {
      List<Entry> entries = new ArrayList<>();
      long[] bytes = {0};
      reader.scan(
          column,
          from,
          (key, value) -> {
            if ((end != null && Arrays.compareUnsigned(key, end) >= 0)
                || bytes[0] > 2L * PORTION_BYTES + value.length) {
              return false;
            }
            bytes[0] += key.length + value.length;
            entries.add(new Entry(key, value));
            return true;
          });
      return new Portion(entries, end);
    }
  }
}
