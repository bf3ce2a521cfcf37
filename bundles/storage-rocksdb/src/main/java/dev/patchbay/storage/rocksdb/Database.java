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
import org.rocksdb.CompactionStyle;
import org.rocksdb.CompressionType;
import org.rocksdb.DBOptions;
import org.rocksdb.DataBlockIndexType;
import org.rocksdb.Filter;
import org.rocksdb.LRUCache;
import org.rocksdb.RocksDB;
import org.rocksdb.RocksDBException;
import org.rocksdb.WriteBatch;
import org.rocksdb.WriteOptions;

/** The open database, and everything native that has to be closed with it. */
final class Database {
  private static final long LEAST_CACHE_BYTES = 128L << 20;
  private static final long MOST_CACHE_BYTES = 1L << 30;
  private static final long LEAST_BUFFER_BYTES = 64L << 20;
  private static final long MOST_BUFFER_BYTES = 256L << 20;
  private static final double BLOOM_BITS = 10;

  /** Of a write buffer; 1.3 MB of filter for some 100,000 keys. */
  private static final double BUFFER_BLOOM_SHARE = 0.02;

  /** Longer bodies and receipts lie in files of their own, which merging does not copy. */
  private static final long LEAST_BLOB_BYTES = 1024;

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
              .setDataBlockIndexType(DataBlockIndexType.kDataBlockBinaryAndHash)
              // beside the cache, where its parts are too small for them: the number of open
              // files bounds them
              .setCacheIndexAndFilterBlocks(false);
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
              .setDbWriteBufferSize(bufferBytes())
              .setMaxTotalWalSize(2 * bufferBytes())
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
    return share(2, LEAST_CACHE_BYTES, MOST_CACHE_BYTES);
  }

  private static long bufferBytes() {
    return share(6, LEAST_BUFFER_BYTES, MOST_BUFFER_BYTES);
  }

  private static long share(int parts, long least, long most) {
    return Math.max(least, Math.min(most, Runtime.getRuntime().maxMemory() / parts));
  }

  /**
   * State is mostly not in the write buffers: a filter saves the look for it. What is asked for is
   * there, as a rule, so the lowest level, which has most of it, needs no filter. Trie nodes are
   * rewritten by every block at random places: files of all levels at once are merged less often
   * than level by level, for more space in between. Bodies and receipts are written once.
   */
  private static ColumnFamilyOptions tune(Column column, ColumnFamilyOptions options) {
    return switch (column) {
      case ACCOUNT_TRIE, STORAGE_TRIE ->
          state(options).setCompactionStyle(CompactionStyle.UNIVERSAL);
      case ACCOUNTS, SLOTS -> state(options);
      case BODIES, RECEIPTS ->
          options
              .setEnableBlobFiles(true)
              .setMinBlobSize(LEAST_BLOB_BYTES)
              .setBlobCompressionType(CompressionType.ZSTD_COMPRESSION)
              .setCompressionType(CompressionType.LZ4_COMPRESSION);
      default ->
          options
              .setCompressionType(CompressionType.LZ4_COMPRESSION)
              .setBottommostCompressionType(CompressionType.ZSTD_COMPRESSION);
    };
  }

  /** Hashes and numbers: nothing that compresses. */
  private static ColumnFamilyOptions state(ColumnFamilyOptions options) {
    return options
        .setCompressionType(CompressionType.NO_COMPRESSION)
        .setOptimizeFiltersForHits(true)
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
