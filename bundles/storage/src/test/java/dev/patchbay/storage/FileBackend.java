// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.storage;

import dev.patchbay.api.storage.Column;
import dev.patchbay.api.storage.KeyValueStore;
import dev.patchbay.api.storage.Snapshot;
import dev.patchbay.api.storage.StorageBackend;
import dev.patchbay.api.storage.StorageException;
import dev.patchbay.api.storage.StoreListener;
import dev.patchbay.api.storage.WriteBatch;
import java.io.DataInputStream;
import java.io.DataOutputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.BiPredicate;
import java.util.stream.Stream;

/** A small backend for tests: a file for each column, written anew by each batch. */
final class FileBackend implements StorageBackend {
  /** The stores of all backends that are open. */
  static final Set<KeyValueStore> OPEN = ConcurrentHashMap.newKeySet();

  private final String id;
  private final boolean durable;
  Runnable beforeWrite = () -> {};
  boolean damagesValues;
  int writesLeft = Integer.MAX_VALUE;

  /** Is called by each opening; an exception refuses it. */
  volatile Runnable beforeOpen = () -> {};

  /** The number of openings that were tried. */
  final AtomicInteger opens = new AtomicInteger();

  /** The listener of the store that was opened last. */
  volatile StoreListener listener;

  FileBackend(String id, boolean durable) {
    this.id = id;
    this.durable = durable;
  }

  @Override
  public String id() {
    return id;
  }

  @Override
  public boolean isDurable() {
    return durable;
  }

  @Override
  public KeyValueStore open(Path folder, List<Column> columns, boolean create) {
    opens.incrementAndGet();
    beforeOpen.run();
    try {
      FileStore store = new FileStore(folder, columns, create);
      OPEN.add(store);
      return store;
    } catch (IOException failure) {
      throw new UncheckedIOException(failure);
    }
  }

  private final class FileStore implements KeyValueStore {
    private final Path folder;
    private final Map<String, TreeMap<byte[], byte[]>> content = new HashMap<>();

    FileStore(Path folder, List<Column> columns, boolean create) throws IOException {
      this.folder = folder;
      if (durable && Files.isDirectory(folder)) {
        try (Stream<Path> files = Files.list(folder)) {
          List<String> names = columns.stream().map(Column::name).toList();
          for (Path file : files.toList()) {
            if (!names.contains(file.getFileName().toString())) {
              throw new StorageException("column " + file.getFileName() + " is not known");
            }
          }
        }
      }
      for (Column column : columns) {
        Path file = folder.resolve(column.name());
        TreeMap<byte[], byte[]> entries = new TreeMap<>(Arrays::compareUnsigned);
        if (durable && Files.exists(file)) {
          try (DataInputStream in = new DataInputStream(Files.newInputStream(file))) {
            for (int left = in.readInt(); left > 0; left--) {
              entries.put(in.readNBytes(in.readInt()), in.readNBytes(in.readInt()));
            }
          }
        } else if (!create) {
          throw new StorageException("column " + column + " is missing in " + folder);
        }
        content.put(column.name(), entries);
      }
      if (durable) {
        Files.createDirectories(folder);
        for (Column column : columns) {
          save(column);
        }
      }
    }

    private TreeMap<byte[], byte[]> column(Column column) {
      TreeMap<byte[], byte[]> entries = content.get(column.name());
      if (entries == null || !OPEN.contains(this)) {
        throw entries == null
            ? new IllegalArgumentException("unknown column " + column)
            : new StorageException("closed");
      }
      return entries;
    }

    private void save(Column column) throws IOException {
      TreeMap<byte[], byte[]> entries = content.get(column.name());
      try (DataOutputStream out =
          new DataOutputStream(Files.newOutputStream(folder.resolve(column.name())))) {
        out.writeInt(entries.size());
        for (Map.Entry<byte[], byte[]> entry : entries.entrySet()) {
          out.writeInt(entry.getKey().length);
          out.write(entry.getKey());
          out.writeInt(entry.getValue().length);
          out.write(entry.getValue());
        }
      }
    }

    @Override
    public synchronized void write(WriteBatch batch) {
      beforeWrite.run();
      if (writesLeft-- <= 0) {
        throw new StorageException("injected failure of a write");
      }
      for (WriteBatch.Entry entry : batch.entries()) {
        byte[] value = entry.value();
        if (value == null) {
          column(entry.column()).remove(entry.key());
        } else {
          byte[] stored = value.clone();
          if (damagesValues && stored.length > 0) {
            stored[0] ^= 1;
          }
          column(entry.column()).put(entry.key().clone(), stored);
        }
      }
      try {
        for (Column column :
            batch.entries().stream().map(WriteBatch.Entry::column).distinct().toList()) {
          if (durable) {
            save(column);
          }
        }
      } catch (IOException failure) {
        throw new UncheckedIOException(failure);
      }
    }

    @Override
    public void flush() {}

    @Override
    public void setListener(StoreListener next) {
      listener = next;
    }

    @Override
    public synchronized Snapshot snapshot() {
      Map<String, TreeMap<byte[], byte[]>> copy = new HashMap<>();
      content.forEach((name, entries) -> copy.put(name, new TreeMap<>(entries)));
      return new Snapshot() {
        @Override
        public void close() {}

        @Override
        public byte[] get(Column column, byte[] key) {
          return copy.get(column.name()).get(key);
        }

        @Override
        public void scan(Column column, byte[] from, BiPredicate<byte[], byte[]> visitor) {
          FileBackend.scan(copy.get(column.name()), from, visitor);
        }
      };
    }

    @Override
    public long sizeInBytes() {
      return content.values().stream().mapToLong(Map::size).sum();
    }

    @Override
    public synchronized byte[] get(Column column, byte[] key) {
      return column(column).get(key);
    }

    @Override
    public synchronized void scan(Column column, byte[] from, BiPredicate<byte[], byte[]> visitor) {
      FileBackend.scan(column(column), from, visitor);
    }

    @Override
    public void close() {
      OPEN.remove(this);
    }
  }

  private static void scan(
      TreeMap<byte[], byte[]> entries, byte[] from, BiPredicate<byte[], byte[]> visitor) {
    for (Map.Entry<byte[], byte[]> entry : entries.tailMap(from, true).entrySet()) {
      if (!visitor.test(entry.getKey().clone(), entry.getValue().clone())) {
        return;
      }
    }
  }
}
