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
 * A state in the making: what is read from below, with writes on top that reads see. Threading: one
 * thread writes at a time; while none does, any number read.
 */
final class Overlay implements KeyReader {
  private static final byte[] ABSENT = new byte[0];

  private final KeyReader base;
  private final Writes writes;

  /** Accounts and slots as the base has them: a block asks for most of them more than once. */
  private final Map<Bytes, byte[]> accounts = new ConcurrentHashMap<>();

  private final Map<Bytes, byte[]> slots = new ConcurrentHashMap<>();

  private volatile @Nullable Queue<Bytes> slotsRead;

  Overlay(KeyReader base) {
    this(base, new Writes());
  }

  /** Goes on with writes that are there already. */
  Overlay(KeyReader base, Writes writes) {
    this.base = base;
    this.writes = writes;
  }

  /** Returns what is on top, which does not know of the base. */
  Writes writes() {
    return writes;
  }

  /** Adds the slots that are read from the base, from now on, to a queue; null ends that. */
  void tellSlots(@Nullable Queue<Bytes> queue) {
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
      return written == Writes.DELETED ? null : written.clone();
    }
    if (column.equals(Columns.ACCOUNTS)) {
      return remembered(accounts, column, key);
    }
    return column.equals(Columns.SLOTS) ? remembered(slots, column, key) : base.get(column, key);
  }

  private byte @Nullable [] remembered(Map<Bytes, byte[]> known, Column column, byte[] key) {
    Bytes asked = Bytes.wrap(key);
    byte[] value = known.get(asked);
    if (value == null) {
      byte[] read = base.get(column, key);
      value = read == null ? ABSENT : read;
      Bytes kept = Bytes.of(key);
      known.put(kept, value);
      Queue<Bytes> told = slotsRead;
      if (told != null && column == Columns.SLOTS) {
        told.add(kept);
      }
    }
    return value == ABSENT ? null : value.clone();
  }

  @Override
  public void scan(Column column, byte[] from, BiPredicate<byte[], byte[]> visitor) {
    writes.over(base).scan(column, from, visitor);
  }
}
