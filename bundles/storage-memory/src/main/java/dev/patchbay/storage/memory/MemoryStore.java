// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.storage.memory;

import dev.patchbay.api.storage.Column;
import dev.patchbay.api.storage.KeyReader;
import dev.patchbay.api.storage.KeyValueStore;
import dev.patchbay.api.storage.Snapshot;
import dev.patchbay.api.storage.WriteBatch;
import java.util.Arrays;
import java.util.EnumMap;
import java.util.Map;
import java.util.function.BiPredicate;
import org.osgi.service.component.annotations.Component;
import org.pcollections.TreePMap;

/**
 * A store in memory. Each batch makes a new persistent tree that shares all but the changed paths
 * with the old one, so a snapshot is a reference and readers never wait.
 */
@Component(service = KeyValueStore.class, property = KeyValueStore.ID + "=memory")
public final class MemoryStore implements KeyValueStore {
  /** Rough cost of an entry beyond its bytes: a tree node and two array headers. */
  private static final int ENTRY_OVERHEAD = 96;

  private volatile View current = View.empty();

  private record View(Map<Column, TreePMap<byte[], byte[]>> columns, long bytes)
      implements Snapshot {
    static View empty() {
      Map<Column, TreePMap<byte[], byte[]>> columns = new EnumMap<>(Column.class);
      for (Column column : Column.values()) {
        columns.put(column, TreePMap.empty(Arrays::compareUnsigned));
      }
      return new View(columns, 0);
    }

    private TreePMap<byte[], byte[]> column(Column column) {
      TreePMap<byte[], byte[]> map = columns.get(column);
      if (map == null) {
        throw new IllegalArgumentException("unknown column " + column);
      }
      return map;
    }

    @Override
    public byte @org.jspecify.annotations.Nullable [] get(Column column, byte[] key) {
      byte[] value = column(column).get(key);
      return value == null ? null : value.clone();
    }

    @Override
    public void scan(Column column, byte[] from, BiPredicate<byte[], byte[]> visitor) {
      TreePMap<byte[], byte[]> map = column(column);
      for (Map.Entry<byte[], byte[]> entry : map.tailMap(from, true).entrySet()) {
        if (!visitor.test(entry.getKey().clone(), entry.getValue().clone())) {
          return;
        }
      }
    }

    @Override
    public long count(Column column) {
      return column(column).size();
    }

    @Override
    public void close() {}
  }

  @Override
  public String id() {
    return "memory";
  }

  @Override
  public boolean isDurable() {
    return false;
  }

  @Override
  public synchronized void write(WriteBatch batch) {
    View old = current;
    Map<Column, TreePMap<byte[], byte[]>> columns = new EnumMap<>(old.columns);
    long bytes = old.bytes;
    for (WriteBatch.Entry entry : batch.entries()) {
      TreePMap<byte[], byte[]> map = columns.get(entry.column());
      if (map == null) {
        throw new IllegalArgumentException("unknown column " + entry.column());
      }
      byte[] before = map.get(entry.key());
      byte[] value = entry.value();
      if (before != null) {
        bytes -= entry.key().length + before.length + ENTRY_OVERHEAD;
      }
      if (value == null) {
        map = map.minus(entry.key());
      } else {
        map = map.plus(entry.key(), value);
        bytes += entry.key().length + value.length + ENTRY_OVERHEAD;
      }
      columns.put(entry.column(), map);
    }
    current = new View(columns, bytes);
  }

  @Override
  public Snapshot snapshot() {
    return current;
  }

  @Override
  public synchronized void clear() {
    current = View.empty();
  }

  @Override
  public long sizeInBytes() {
    return current.bytes;
  }

  @Override
  public byte @org.jspecify.annotations.Nullable [] get(Column column, byte[] key) {
    return reader().get(column, key);
  }

  @Override
  public void scan(Column column, byte[] from, BiPredicate<byte[], byte[]> visitor) {
    reader().scan(column, from, visitor);
  }

  @Override
  public long count(Column column) {
    return reader().count(column);
  }

  private KeyReader reader() {
    return current;
  }
}
