// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.storage.rocksdb;

import dev.patchbay.api.storage.Column;
import dev.patchbay.api.storage.StorageException;
import dev.patchbay.binding.DurableFolders;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.rocksdb.BlockBasedTableConfig;
import org.rocksdb.BloomFilter;
import org.rocksdb.ColumnFamilyDescriptor;
import org.rocksdb.ColumnFamilyHandle;
import org.rocksdb.ColumnFamilyOptions;
import org.rocksdb.CompactionStyle;
import org.rocksdb.CompressionType;
import org.rocksdb.DBOptions;
import org.rocksdb.DataBlockIndexType;
import org.rocksdb.Filter;
import org.rocksdb.FlushOptions;
import org.rocksdb.Options;
import org.rocksdb.RocksDB;
import org.rocksdb.RocksDBException;
import org.rocksdb.WALRecoveryMode;
import org.rocksdb.WriteBatch;
import org.rocksdb.WriteOptions;

/** The open database, and everything native that has to be closed with it. */
final class Database {
  private static final double BLOOM_BITS = 10;

  /** Of a write buffer; 1.3 MB of filter for some 100,000 keys. */
  private static final double BUFFER_BLOOM_SHARE = 0.02;

  /** Longer values of columns of large values are in files of their own, not copied by merges. */
  private static final long MIN_BLOB_BYTES = 1024;

  private static final String CURRENT = "CURRENT";

  final RocksDB rocks;

  private final Path folder;
  private final SyncMark mark;
  private final List<ColumnFamilyHandle> handles;
  private final List<AutoCloseable> owned;
  private final WriteOptions writing = new WriteOptions();
  private final WriteBatch nothing = new WriteBatch();
  private final WriteOptions syncing = new WriteOptions().setSync(true);

  /** Column families by the name of their column. */
  private final Map<String, ColumnFamilyHandle> families = new HashMap<>();

  private Database(
      Path folder,
      SyncMark mark,
      RocksDB rocks,
      List<ColumnFamilyDescriptor> descriptors,
      List<ColumnFamilyHandle> handles,
      List<AutoCloseable> owned) {
    this.folder = folder;
    this.mark = mark;
    this.rocks = rocks;
    this.handles = handles;
    this.owned = owned;
    for (int i = 1; i < descriptors.size(); i++) { // the first is RocksDB's own
      families.put(name(descriptors.get(i).getName()), handles.get(i));
    }
  }

  private static String name(byte[] family) {
    return new String(family, StandardCharsets.UTF_8);
  }

  /**
   * Opens the database in a folder.
   *
   * @throws StorageException when it is damaged, incomplete or in use, or has other columns
   */
  static Database open(Path folder, List<Column> columns, boolean create, SharedMemory memory) {
    List<AutoCloseable> owned = new ArrayList<>();
    List<ColumnFamilyHandle> handles = new ArrayList<>();
    try {
      boolean exists = Files.exists(folder.resolve(CURRENT));
      if (!exists) {
        checkAbsent(folder, create);
        DurableFolders.create(folder);
      }
      SyncMark mark = keep(owned, SyncMark.open(folder));
      if (exists) {
        LogRecovery.recover(folder, mark.read());
        checkColumns(folder, columns, create);
      }
      Filter bloom = keep(owned, new BloomFilter(BLOOM_BITS, false));
      BlockBasedTableConfig tables =
          new BlockBasedTableConfig()
              .setBlockCache(memory.cache)
              .setFilterPolicy(bloom)
              .setDataBlockIndexType(DataBlockIndexType.kDataBlockBinaryAndHash)
              // not in the cache, whose parts are too small for them: the number of open files
              // bounds them
              .setCacheIndexAndFilterBlocks(false);
      List<ColumnFamilyDescriptor> descriptors = new ArrayList<>();
      descriptors.add(
          new ColumnFamilyDescriptor(
              RocksDB.DEFAULT_COLUMN_FAMILY, keep(owned, new ColumnFamilyOptions())));
      for (Column column : columns) {
        ColumnFamilyOptions options =
            keep(owned, new ColumnFamilyOptions()).setTableFormatConfig(tables);
        descriptors.add(
            new ColumnFamilyDescriptor(
                column.name().getBytes(StandardCharsets.UTF_8), tune(column.access(), options)));
      }
      DBOptions all =
          keep(owned, new DBOptions())
              .setCreateIfMissing(create)
              .setCreateMissingColumnFamilies(create)
              .setWriteBufferManager(memory.buffers)
              .setMaxTotalWalSize(2 * memory.bufferBytes)
              .setMaxOpenFiles(512)
              // no file of content may have changed bits: LogRecovery has cut what ends early
              .setWalRecoveryMode(WALRecoveryMode.AbsoluteConsistency)
              .setParanoidChecks(true)
              .setKeepLogFileNum(2);
      RocksDB rocks = RocksDB.open(all, folder.toString(), descriptors, handles);
      Database opened = new Database(folder, mark, rocks, descriptors, handles, owned);
      try {
        opened.flush();
      } catch (RocksDBException | IOException | RuntimeException | Error failure) {
        opened.close(false);
        throw failure;
      }
      return opened;
    } catch (RocksDBException | IOException failure) {
      release(owned);
      throw refusal(folder, failure);
    } catch (RuntimeException | Error failure) {
      release(owned);
      throw failure;
    }
  }

  /** Refuses to create a store, or to create one over files of a store that lost its index. */
  private static void checkAbsent(Path folder, boolean create) throws IOException {
    List<String> left = List.of();
    if (Files.exists(folder)) {
      try (Stream<Path> files = Files.list(folder)) {
        left =
            files
                .filter(file -> file.toFile().length() > 0)
                .map(file -> file.getFileName().toString())
                .filter(file -> file.matches(".*\\.(sst|blob|log)|" + SyncMark.FILE))
                .sorted()
                .toList();
      }
    }
    if (!left.isEmpty()) {
      throw new StorageException(
          "the store in "
              + folder
              + " is incomplete: it has no file CURRENT, but files of content, such as "
              + left.get(0)
              + ". Nothing was changed. Restore the folder from a backup, or move it away");
    }
    if (!create) {
      throw StorageException.incomplete(folder, "its files are missing");
    }
  }

  private static void checkColumns(Path folder, List<Column> columns, boolean create)
      throws RocksDBException {
    Set<String> missing =
        columns.stream().map(Column::name).collect(Collectors.toCollection(TreeSet::new));
    Set<String> unknown = new TreeSet<>();
    try (Options options = new Options()) {
      for (byte[] family : RocksDB.listColumnFamilies(options, folder.toString())) {
        if (!missing.remove(name(family))) {
          unknown.add(name(family));
        }
      }
    }
    unknown.remove(name(RocksDB.DEFAULT_COLUMN_FAMILY));
    if (!unknown.isEmpty()) {
      throw StorageException.unknownColumns(folder, unknown);
    }
    if (!missing.isEmpty() && !create) {
      throw StorageException.incomplete(folder, "it has no columns " + String.join(", ", missing));
    }
  }

  /**
   * State is mostly not in the write buffers: a filter saves the look-up there. Keys that are read
   * at random mostly exist, so the lowest level, which has most of them, needs no filter. For
   * columns that each batch rewrites at random keys, files of all levels are merged at once, which
   * is less often than level by level, for more space in between. Large values are written once.
   */
  private static ColumnFamilyOptions tune(Column.Access access, ColumnFamilyOptions options) {
    return switch (access) {
      case REWRITTEN -> state(options).setCompactionStyle(CompactionStyle.UNIVERSAL);
      case RANDOM -> state(options);
      case LARGE_VALUES ->
          options
              .setEnableBlobFiles(true)
              .setMinBlobSize(MIN_BLOB_BYTES)
              .setBlobCompressionType(CompressionType.ZSTD_COMPRESSION)
              .setCompressionType(CompressionType.LZ4_COMPRESSION);
      case GENERAL ->
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
    return message.contains("lock file") || message.contains("lock hold")
        ? StorageException.inUse(folder, failure)
        : StorageException.cannotOpen(folder, failure);
  }

  /**
   * Returns the column family of a column.
   *
   * @throws IllegalArgumentException when the store has no such column
   */
  ColumnFamilyHandle family(Column column) {
    ColumnFamilyHandle family = families.get(column.name());
    if (family == null) {
      throw new IllegalArgumentException("the store has no column " + column);
    }
    return family;
  }

  /** Makes RocksDB's batch of writes; the caller closes it. Nothing is written. */
  WriteBatch batch(List<dev.patchbay.api.storage.WriteBatch.Entry> entries)
      throws RocksDBException {
    WriteBatch batch = new WriteBatch();
    try {
      for (dev.patchbay.api.storage.WriteBatch.Entry entry : entries) {
        ColumnFamilyHandle family = family(entry.column());
        byte[] value = entry.value();
        if (value == null) {
          batch.delete(family, entry.key());
        } else {
          batch.put(family, entry.key(), value);
        }
      }
      return batch;
    } catch (RocksDBException | RuntimeException | Error failure) {
      batch.close();
      throw failure;
    }
  }

  /**
   * Fails when RocksDB takes no writes, since files could not be flushed or merged: it refuses them
   * before they are in the log. A batch that fails later may be in the log.
   */
  void checkWritable() throws RocksDBException {
    rocks.write(writing, nothing);
  }

  /** Applies writes, all or none; with {@code sync} they are on the disk on return. */
  void write(WriteBatch batch, boolean sync) throws RocksDBException, IOException {
    rocks.write(sync ? syncing : writing, batch);
    if (sync) {
      mark(rocks.getLatestSequenceNumber(), false);
    }
  }

  /** Returns when all that was written is on the disk. */
  void flush() throws RocksDBException, IOException {
    long sequence = rocks.getLatestSequenceNumber();
    rocks.flushWal(true);
    mark(sequence, false);
  }

  private void mark(long sequence, boolean closed) throws IOException {
    long manifest = LogRecovery.manifest(folder);
    mark.write(
        new SyncMark.State(
            sequence, manifest, LogRecovery.manifestBytes(folder, manifest), closed));
  }

  /** Flushes, and writes the write buffers into checksummed files: no log is read at open. */
  void finish() throws RocksDBException, IOException {
    flush();
    // RocksDB would delete the logs once the last column family is in files. They stay until the
    // mark has the new length of the MANIFEST, so that a MANIFEST that is cut off is noticed.
    rocks.disableFileDeletions();
    try (FlushOptions options = new FlushOptions().setWaitForFlush(true)) {
      rocks.flush(options, handles);
    }
    flush();
    rocks.enableFileDeletions();
  }

  /**
   * Closes all.
   *
   * @param finished whether {@link #finish} was called
   */
  void close(boolean finished) throws IOException {
    long sequence = rocks.getLatestSequenceNumber();
    writing.close();
    syncing.close();
    nothing.close();
    handles.forEach(ColumnFamilyHandle::close);
    rocks.close();
    try {
      if (finished) {
        mark(sequence, true);
      }
    } finally {
      release(owned);
    }
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
