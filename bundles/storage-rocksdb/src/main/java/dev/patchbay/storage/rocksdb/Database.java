// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.storage.rocksdb;

import dev.patchbay.api.storage.Column;
import dev.patchbay.api.storage.StorageException;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.rocksdb.BlockBasedTableConfig;
import org.rocksdb.BloomFilter;
import org.rocksdb.Cache;
import org.rocksdb.ColumnFamilyDescriptor;
import org.rocksdb.ColumnFamilyHandle;
import org.rocksdb.ColumnFamilyOptions;
import org.rocksdb.CompressionType;
import org.rocksdb.DBOptions;
import org.rocksdb.Filter;
import org.rocksdb.IndexType;
import org.rocksdb.LRUCache;
import org.rocksdb.RocksDB;
import org.rocksdb.RocksDBException;
import org.rocksdb.WriteBatch;
import org.rocksdb.WriteOptions;

/** The open database, and everything native that has to be closed with it. */
final class Database {
  private static final long LEAST_CACHE_BYTES = 128L << 20;
  private static final long MOST_CACHE_BYTES = 1L << 30;
  private static final long WRITE_BUFFERS_BYTES = 64L << 20;
  private static final long WAL_BYTES = 128L << 20;
  private static final double BLOOM_BITS = 10;

  /** Of a write buffer; 1.3 MB of filter for some 100,000 keys. */
  private static final double BUFFER_BLOOM_SHARE = 0.02;

  final RocksDB rocks;

  private final List<ColumnFamilyHandle> families;
  private final List<AutoCloseable> owned;
  private final WriteOptions writing = new WriteOptions();

  private Database(RocksDB rocks, List<ColumnFamilyHandle> families, List<AutoCloseable> owned) {
    this.rocks = rocks;
    this.families = families;
    this.owned = owned;
  }

  static Database open(Path folder) {
    List<AutoCloseable> owned = new ArrayList<>();
    List<ColumnFamilyHandle> handles = new ArrayList<>();
    try {
      RocksDB.loadLibrary();
      Files.createDirectories(folder);
      Cache cache = keep(owned, new LRUCache(cacheBytes()));
      Filter bloom = keep(owned, new BloomFilter(BLOOM_BITS, false));
      BlockBasedTableConfig tables =
          new BlockBasedTableConfig()
              .setBlockCache(cache)
              .setFilterPolicy(bloom)
              // in parts, of which a look-up loads one: whole ones of a large state would
              // drive each other out of the cache
              .setIndexType(IndexType.kTwoLevelIndexSearch)
              .setPartitionFilters(true)
              .setMetadataBlockSize(4096)
              .setCacheIndexAndFilterBlocks(true)
              .setPinTopLevelIndexAndFilter(true)
              .setPinL0FilterAndIndexBlocksInCache(true);
      List<ColumnFamilyDescriptor> descriptors = new ArrayList<>();
      descriptors.add(
          new ColumnFamilyDescriptor(
              RocksDB.DEFAULT_COLUMN_FAMILY, keep(owned, new ColumnFamilyOptions())));
      for (Column column : Column.values()) {
        ColumnFamilyOptions options =
            keep(owned, new ColumnFamilyOptions()).setTableFormatConfig(tables);
        descriptors.add(
            new ColumnFamilyDescriptor(
                column.name().getBytes(StandardCharsets.US_ASCII), tune(column, options)));
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

  /** Half of the heap's limit: whoever gives the node more memory gives the store some of it. */
  private static long cacheBytes() {
    long half = Runtime.getRuntime().maxMemory() / 2;
    return Math.max(LEAST_CACHE_BYTES, Math.min(MOST_CACHE_BYTES, half));
  }

  /**
   * Compresses what is small then: hashes are not, and what every block reads must be quick. State
   * is mostly not in the write buffers: a filter saves the look for it. A node that is asked for is
   * there, so the lowest level, which has most of them, needs no filter.
   */
  private static ColumnFamilyOptions tune(Column column, ColumnFamilyOptions options) {
    return switch (column) {
      case ACCOUNT_TRIE, STORAGE_TRIE ->
          filterBuffers(options)
              .setCompressionType(CompressionType.NO_COMPRESSION)
              .setOptimizeFiltersForHits(true);
      case ACCOUNTS, SLOTS ->
          filterBuffers(options).setCompressionType(CompressionType.LZ4_COMPRESSION);
      default ->
          options
              .setCompressionType(CompressionType.LZ4_COMPRESSION)
              .setBottommostCompressionType(CompressionType.ZSTD_COMPRESSION);
    };
  }

  private static ColumnFamilyOptions filterBuffers(ColumnFamilyOptions options) {
    return options
        .setMemtableWholeKeyFiltering(true)
        .setMemtablePrefixBloomSizeRatio(BUFFER_BLOOM_SHARE);
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

  /** Applies writes, all or none. */
  void write(List<dev.patchbay.api.storage.WriteBatch.Entry> entries) throws RocksDBException {
    try (WriteBatch batch = new WriteBatch()) {
      for (dev.patchbay.api.storage.WriteBatch.Entry entry : entries) {
        ColumnFamilyHandle family = family(entry.column());
        byte[] value = entry.value();
        if (value == null) {
          batch.delete(family, entry.key());
        } else {
          batch.put(family, entry.key(), value);
        }
      }
      rocks.write(writing, batch);
    }
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
