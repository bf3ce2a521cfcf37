// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.storage.memory;

import dev.patchbay.api.storage.Column;
import dev.patchbay.api.storage.KeyValueStore;
import dev.patchbay.api.storage.Snapshot;
import dev.patchbay.api.storage.StorageException;
import dev.patchbay.api.storage.WriteBatch;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.function.BiPredicate;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;
import org.pcollections.TreePMap;

/**
 * A store in memory. Each batch makes a new persistent tree that shares all but the changed paths
 * with the old one, so a snapshot is a reference and readers do not wait for writers. One
 * assignment publishes a batch: whatever fails before it leaves the store as it was.
 *
 * <p>Threading: writers exclude each other. A read that is under way when the store is closed ends
 * on the content that it began with.
 */
final class MemoryStore implements KeyValueStore {
  /** Rough cost of an entry beyond its bytes: a tree node and two array headers. */
  private static final int ENTRY_OVERHEAD = 96;

  private final String name;
  private final Consumer<MemoryStore> onClose;

  /** The content; null when the store is closed. */
  private volatile @Nullable Content current;

  /** The trees of all columns, by the name of the column. */
  private record Content(Map<String, TreePMap<byte[], byte[]>> columns, long bytes) {
    TreePMap<byte[], byte[]> column(Column column) {
      TreePMap<byte[], byte[]> map = columns.get(column.name());
      if (map == null) {
        throw new IllegalArgumentException("the store has no column " + column);
      }
      return map;
    }

    byte @Nullable [] get(Column column, byte[] key) {
      byte[] value = column(column).get(key);
      return value == null ? null : value.clone();
    }

    void scan(Column column, byte[] from, BiPredicate<byte[], byte[]> visitor) {
      TreePMap<byte[], byte[]> map = column(column);
      for (Map.Entry<byte[], byte[]> entry : map.tailMap(from, true).entrySet()) {
        if (!visitor.test(entry.getKey().clone(), entry.getValue().clone())) {
          return;
        }
      }
    }
  }

  MemoryStore(String name, List<Column> columns, Consumer<MemoryStore> onClose) {
    this.name = name;
    this.onClose = onClose;
    current = empty(columns);
  }

  private static Content empty(List<Column> columns) {
    Map<String, TreePMap<byte[], byte[]>> maps = new HashMap<>();
    for (Column column : columns) {
      maps.put(column.name(), TreePMap.empty(Arrays::compareUnsigned));
    }
    return new Content(maps, 0);
  }

  private Content content() {
    Content content = current;
    if (content == null) {
      throw new StorageException("the store of " + name + " in memory is closed");
    }
    return content;
  }

  @Override
  public synchronized void write(WriteBatch batch) {
    current = changed(content(), batch);
  }

  private static Content changed(Content old, WriteBatch batch) {
    Map<String, TreePMap<byte[], byte[]>> maps = new HashMap<>(old.columns);
    long bytes = old.bytes;
    for (WriteBatch.Entry entry : batch.entries()) {
      String column = entry.column().name();
      TreePMap<byte[], byte[]> map = maps.get(column);
      if (map == null) {
        throw new IllegalArgumentException("the store has no column " + column);
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
      maps.put(column, map);
    }
    return new Content(maps, bytes);
  }

  @Override
  public void flush() {
    content(); // fails when the store is closed
  }

  @Override
  public Snapshot snapshot() {
    return new View(content());
  }

  @Override
  public long sizeInBytes() {
    return content().bytes;
  }

  @Override
  public void close() {
    synchronized (this) {
      current = null;
    }
    onClose.accept(this);
  }

  @Override
  public byte @Nullable [] get(Column column, byte[] key) {
    return content().get(column, key);
  }

  @Override
  public void scan(Column column, byte[] from, BiPredicate<byte[], byte[]> visitor) {
    content().scan(column, from, visitor);
  }

  @Override
  public long count(Column column) {
    return content().column(column).size();
  }

  /** The content at one moment; reads fail when the store or the view is closed. */
  private final class View implements Snapshot {
    private volatile @Nullable Content kept;

    View(Content kept) {
      this.kept = kept;
    }

    private Content kept() {
      content(); // fails when the store is closed
      Content content = kept;
      if (content == null) {
        throw new StorageException("the snapshot of the store of " + name + " is closed");
      }
      return content;
    }

    @Override
    public byte @Nullable [] get(Column column, byte[] key) {
      return kept().get(column, key);
    }

    @Override
    public void scan(Column column, byte[] from, BiPredicate<byte[], byte[]> visitor) {
      kept().scan(column, from, visitor);
    }

    @Override
    public long count(Column column) {
      return kept().column(column).size();
    }

    @Override
    public void close() {
      kept = null;
    }
  }
}
