// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.storage.rocksdb;

import dev.patchbay.api.storage.Column;
import dev.patchbay.api.storage.StorageException;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.LongBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;
import org.rocksdb.BlockBasedTableConfig;
import org.rocksdb.BloomFilter;
import org.rocksdb.Cache;
import org.rocksdb.ColumnFamilyDescriptor;
import org.rocksdb.ColumnFamilyHandle;
import org.rocksdb.ColumnFamilyOptions;
import org.rocksdb.CompressionType;
import org.rocksdb.DBOptions;
import org.rocksdb.Filter;
import org.rocksdb.LRUCache;
import org.rocksdb.RocksDB;
import org.rocksdb.RocksDBException;
import org.rocksdb.WriteBatch;
import org.rocksdb.WriteOptions;

/** The open database, and everything native that has to be closed with it. */
final class Database {
  private static final long CACHE_BYTES = 64L << 20;
  private static final long WRITE_BUFFERS_BYTES = 64L << 20;
  private static final long WAL_BYTES = 128L << 20;
  private static final double BLOOM_BITS = 10;
  private static final byte[] COUNTS = "counts".getBytes(StandardCharsets.US_ASCII);

  final RocksDB rocks;

  /** Keys of each column; written under the store's writer lock, replaced as a whole. */
  private volatile long[] counts = new long[Column.values().length];

  private final List<ColumnFamilyHandle> families;
  private final List<AutoCloseable> owned;
  private final WriteOptions writing = new WriteOptions();

  private Database(RocksDB rocks, List<ColumnFamilyHandle> families, List<AutoCloseable> owned)
      throws RocksDBException {
    this.rocks = rocks;
    this.families = families;
    this.owned = owned;
    byte[] stored = rocks.get(COUNTS);
    if (stored != null) {
      LongBuffer buffer = ByteBuffer.wrap(stored).asLongBuffer();
      buffer.get(counts, 0, Math.min(counts.length, buffer.remaining()));
    }
  }

  static Database open(Path folder) {
    List<AutoCloseable> owned = new ArrayList<>();
    List<ColumnFamilyHandle> handles = new ArrayList<>();
    try {
      RocksDB.loadLibrary();
      Files.createDirectories(folder);
      Cache cache = keep(owned, new LRUCache(CACHE_BYTES));
      Filter bloom = keep(owned, new BloomFilter(BLOOM_BITS, false));
      ColumnFamilyOptions options =
          keep(owned, new ColumnFamilyOptions())
              .setCompressionType(CompressionType.LZ4_COMPRESSION)
              .setBottommostCompressionType(CompressionType.ZSTD_COMPRESSION)
              .setTableFormatConfig(
                  new BlockBasedTableConfig()
                      .setBlockCache(cache)
                      .setFilterPolicy(bloom)
                      .setCacheIndexAndFilterBlocks(true));
      List<ColumnFamilyDescriptor> descriptors = new ArrayList<>();
      descriptors.add(new ColumnFamilyDescriptor(RocksDB.DEFAULT_COLUMN_FAMILY, options));
      for (Column column : Column.values()) {
        descriptors.add(
            new ColumnFamilyDescriptor(column.name().getBytes(StandardCharsets.US_ASCII), options));
      }
      DBOptions all =
          keep(owned, new DBOptions())
              .setCreateIfMissing(true)
              .setCreateMissingColumnFamilies(true)
              .setDbWriteBufferSize(WRITE_BUFFERS_BYTES)
              .setMaxTotalWalSize(WAL_BYTES)
              .setMaxOpenFiles(512)
              .setKeepLogFileNum(2);
      RocksDB rocks = RocksDB.open(all, folder.toString(), descriptors, handles);
      return new Database(rocks, handles, owned);
    } catch (RocksDBException | IOException failure) {
      release(owned);
      throw refusal(folder, failure);
    }
  }

  private static <T extends AutoCloseable> T keep(List<AutoCloseable> owned, T resource) {
    owned.add(resource);
    return resource;
  }

  private static StorageException refusal(Path folder, Exception failure) {
    String message = String.valueOf(failure.getMessage());
    if (message.contains("lock")) {
      return new StorageException(
          "the store in "
              + folder
              + " is in use by another process; stop it, or choose another --datadir",
          failure);
    }
    return new StorageException(
        "the store in "
            + folder
            + " cannot be opened: its files are damaged or not readable ("
            + message
            + "). Nothing was changed. Restore the folder from a backup, or start with another --datadir",
        failure);
  }

  ColumnFamilyHandle family(Column column) {
    return families.get(column.ordinal() + 1); // the first is RocksDB's own
  }

  /** Applies writes, with the counts that follow from them; one thread at a time. */
  void write(Map<Column, TreeMap<byte[], byte @Nullable []>> writes) throws RocksDBException {
    long[] next = counts.clone();
    try (WriteBatch batch = new WriteBatch()) {
      for (Map.Entry<Column, TreeMap<byte[], byte @Nullable []>> entries : writes.entrySet()) {
        ColumnFamilyHandle family = family(entries.getKey());
        int column = entries.getKey().ordinal();
        for (Map.Entry<byte[], byte @Nullable []> entry : entries.getValue().entrySet()) {
          boolean known = rocks.keyExists(family, entry.getKey());
          byte[] value = entry.getValue();
          if (value != null) {
            batch.put(family, entry.getKey(), value);
            next[column] += known ? 0 : 1;
          } else if (known) {
            batch.delete(family, entry.getKey());
            next[column]--;
          }
        }
      }
      ByteBuffer encoded = ByteBuffer.allocate(8 * next.length);
      encoded.asLongBuffer().put(next);
      batch.put(COUNTS, encoded.array());
      rocks.write(writing, batch);
    }
    counts = next;
  }

  /** Returns how many keys each column has, by its ordinal; the array is not changed any more. */
  long[] counts() {
    return counts;
  }

  void close() {
    writing.close();
    families.forEach(ColumnFamilyHandle::close);
    rocks.close();
    release(owned);
  }

  private static void release(List<AutoCloseable> owned) {
    for (int i = owned.size() - 1; i >= 0; i--) {
      try {
        owned.get(i).close();
      } catch (Exception impossible) { // native handles close without a checked exception
        throw new IllegalStateException(impossible);
      }
    }
  }
}
