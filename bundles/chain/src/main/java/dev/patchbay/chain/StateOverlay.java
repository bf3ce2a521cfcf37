// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.chain;

import dev.patchbay.api.storage.Column;
import dev.patchbay.api.storage.KeyReader;
import dev.patchbay.primitives.Bytes;
import java.util.Map;
import java.util.Queue;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.BiPredicate;
import org.jspecify.annotations.Nullable;

/**
 * A state under construction: a base reader with uncommitted writes. Threading: one thread writes
 * at a time; while none does, any number read.
 */
final class StateOverlay implements KeyReader {
  private static final byte[] ABSENT = new byte[0];

  private final KeyReader base;
  private final WriteSet writes;

  /** Accounts and slots as the base has them: a block asks for most of them more than once. */
  private final Map<Bytes, byte[]> accounts = new ConcurrentHashMap<>();

  private final Map<Bytes, byte[]> slots = new ConcurrentHashMap<>();

  private volatile @Nullable Queue<Bytes> slotsRead;

  StateOverlay(KeyReader base) {
    this(base, new WriteSet());
  }

  /** Creates an overlay with writes. */
  StateOverlay(KeyReader base, WriteSet writes) {
    this.base = base;
    this.writes = writes;
  }

  /** Returns the writes, which do not know the base. */
  WriteSet writes() {
    return writes;
  }

  /** Adds the keys of slots that are read from the base to a queue from now on; null ends that. */
  void recordSlotReads(@Nullable Queue<Bytes> queue) {
    slotsRead = queue;
  }

  void put(Column column, byte[] key, byte[] value) {
    writes.put(column, key, value);
  }

  void delete(Column column, byte[] key) {
    writes.delete(column, key);
  }

  @Override
  public byte @Nullable [] get(Column column, byte[] key) {
    byte[] written = writes.find(column, key);
    if (written != null) {
      return written == WriteSet.DELETED ? null : written.clone();
    }
    if (column.equals(Columns.ACCOUNTS)) {
      return cached(accounts, column, key);
    }
    return column.equals(Columns.SLOTS) ? cached(slots, column, key) : base.get(column, key);
  }

  private byte @Nullable [] cached(Map<Bytes, byte[]> cache, Column column, byte[] key) {
    Bytes requested = Bytes.wrap(key);
    byte[] value = cache.get(requested);
    if (value == null) {
      byte[] read = base.get(column, key);
      value = read == null ? ABSENT : read;
      Bytes copy = Bytes.of(key);
      cache.put(copy, value);
      Queue<Bytes> queue = slotsRead;
      if (queue != null && column == Columns.SLOTS) {
        queue.add(copy);
      }
    }
    return value == ABSENT ? null : value.clone();
  }

  @Override
  public void scan(Column column, byte[] from, BiPredicate<byte[], byte[]> visitor) {
    writes.over(base).scan(column, from, visitor);
  }
}
