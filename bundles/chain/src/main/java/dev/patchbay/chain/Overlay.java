// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.chain;

import dev.patchbay.api.storage.Column;
import dev.patchbay.api.storage.KeyReader;
import dev.patchbay.api.storage.WriteBatch;
import java.util.Arrays;
import java.util.EnumMap;
import java.util.HashMap;
import java.util.Map;
import java.util.TreeMap;
import java.util.function.BiPredicate;
import org.jspecify.annotations.Nullable;

/**
 * Writes on top of a store, not yet in it. Reads see them. One overlay becomes one batch, or is
 * dropped. Threading: one thread at a time; while none writes, any number may read columns other
 * than accounts and slots.
 */
final class Overlay implements KeyReader {
  private static final byte[] DELETED = new byte[0];

  private final KeyReader base;
  private final Map<Column, TreeMap<byte[], byte[]>> writes = new EnumMap<>(Column.class);

  /** Accounts and slots as the base has them: a block asks for most of them more than once. */
  private final Map<Column, TreeMap<byte[], byte[]>> reads = new EnumMap<>(Column.class);

  Overlay(KeyReader base) {
    this.base = base;
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
      return column == Column.ACCOUNTS || column == Column.SLOTS
          ? remembered(column, key)
          : base.get(column, key);
    }
    return written == DELETED ? null : written.clone();
  }

  private byte @Nullable [] remembered(Column column, byte[] key) {
    TreeMap<byte[], byte[]> known =
        reads.computeIfAbsent(column, c -> new TreeMap<>(Arrays::compareUnsigned));
    byte[] value = known.get(key);
    if (value == null) {
      byte[] read = base.get(column, key);
      value = read == null ? DELETED : read;
      known.put(key.clone(), value);
    }
    return value == DELETED ? null : value.clone();
  }

  @Override
  public void scan(Column column, byte[] from, BiPredicate<byte[], byte[]> visitor) {
    TreeMap<byte[], byte[]> pending = new TreeMap<>(column(column).tailMap(from, true));
    boolean[] stopped = {false};
    base.scan(
        column,
        from,
        (key, value) -> {
          while (!pending.isEmpty() && Arrays.compareUnsigned(pending.firstKey(), key) < 0) {
            if (!visit(pending.pollFirstEntry(), visitor)) {
              stopped[0] = true;
              return false;
            }
          }
          byte[] written = pending.remove(key);
          boolean more =
              written == null
                  ? visitor.test(key, value)
                  : written == DELETED || visitor.test(key, written.clone());
          stopped[0] = !more;
          return more;
        });
    while (!stopped[0] && !pending.isEmpty()) {
      stopped[0] = !visit(pending.pollFirstEntry(), visitor);
    }
  }

  private static boolean visit(
      Map.Entry<byte[], byte[]> entry, BiPredicate<byte[], byte[]> visitor) {
    return entry.getValue() == DELETED
        || visitor.test(entry.getKey().clone(), entry.getValue().clone());
  }

  WriteBatch toBatch() {
    WriteBatch batch = new WriteBatch();
    // history before the state that it describes: see HistoricState
    Map<Column, TreeMap<byte[], byte[]>> rest = new HashMap<>(writes);
    for (Column column : new Column[] {Column.ACCOUNT_HISTORY, Column.SLOT_HISTORY}) {
      add(batch, column, rest.remove(column));
    }
    for (Column column : Column.values()) {
      add(batch, column, rest.get(column));
    }
    return batch;
  }

  private static void add(
      WriteBatch batch, Column column, @Nullable TreeMap<byte[], byte[]> entries) {
    if (entries == null) {
      return;
    }
    entries.forEach(
        (key, value) -> {
          if (value == DELETED) {
            batch.delete(column, key);
          } else {
            batch.put(column, key, value);
          }
        });
  }
}
