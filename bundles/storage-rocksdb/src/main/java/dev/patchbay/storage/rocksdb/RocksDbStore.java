// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.storage.rocksdb;

import dev.patchbay.api.storage.Column;
import dev.patchbay.api.storage.KeyReader;
import dev.patchbay.api.storage.KeyValueStore;
import dev.patchbay.api.storage.Snapshot;
import dev.patchbay.api.storage.StorageException;
import dev.patchbay.api.storage.StoreFailure;
import dev.patchbay.api.storage.StoreListener;
import dev.patchbay.api.storage.TransientStorageException;
import dev.patchbay.api.storage.WriteBatch;
import dev.patchbay.binding.Failures;
import dev.patchbay.binding.Loop;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.function.BiPredicate;
import java.util.function.Consumer;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.rocksdb.ReadOptions;
import org.rocksdb.RocksDBException;
import org.rocksdb.RocksIterator;
import org.rocksdb.Slice;
import org.rocksdb.Status;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * A durable store: one RocksDB database, one column family a column. RocksDB has no exact count of
 * keys: to keep one would take a look-up for each key that is written, so {@link #count} counts.
 *
 * <p>Threading: calls use the database at the same time; closing waits for them.
 */
final class RocksDbStore implements KeyValueStore {
  private static final Logger LOG = LoggerFactory.getLogger(RocksDbStore.class);

  /** What flushing the write buffers and merging files may take before the next check of space. */
  private static final long SPARE_BYTES = 128L << 20;

  private final Path folder;
  private final Consumer<RocksDbStore> onClose;
  private final Database database;

  /** Calls that use the database; shut when it is closed. */
  private final Gate gate = new Gate();

  /** Held while the store is closed. */
  private final Object exclusive = new Object();

  /** The outcomes of syncs of the folder, also of earlier stores in it. */
  private final Failures syncs;

  /** Set while {@link #exclusive} is held. */
  private volatile boolean closed;

  /** A write whose latest sync is older is synced. */
  private final long syncNanos;

  /** Syncs what writes have not synced. */
  private final Loop syncing;

  private final AtomicBoolean syncPending = new AtomicBoolean();

  /** By {@link System#nanoTime}; syncs that began before it are not counted. */
  private volatile long lastSync;

  /** Why calls fail although the store was not closed. */
  private final StoreFailure failure;

  /**
   * Opens the store in a folder.
   *
   * @param syncs the outcomes of syncs of this folder: a store that fails is opened again, and the
   *     same failure is logged once
   * @throws StorageException when the files are damaged, incomplete or in use
   */
  RocksDbStore(
      Path folder,
      List<Column> columns,
      boolean create,
      SharedMemory memory,
      long syncNanos,
      Failures syncs,
      Consumer<RocksDbStore> onClose) {
    this.folder = folder;
    this.syncs = syncs;
    this.syncNanos = syncNanos;
    lastSync = System.nanoTime() - syncNanos;
    this.onClose = onClose;
    failure = new StoreFailure(folder);
    database = Database.open(folder, columns, create, memory);
    syncing =
        new Loop(
            "storage-rocksdb-sync-" + folder.getFileName(),
            new Failures("syncing " + folder, LOG::warn, LOG::info),
            this::syncWhenDue);
    try {
      syncing.start();
      LOG.info("opened {} ({} bytes)", folder, sizeInBytes());
    } catch (Throwable failed) { // no thread for it, say: the folder must not stay locked
      closeAfter(failed);
      throw failed;
    }
  }

  private void closeAfter(Throwable failed) {
    try {
      syncing.close();
      database.close(false);
    } catch (IOException unmarked) {
      failed.addSuppressed(unmarked);
    }
  }

  @Override
  public void close() {
    synchronized (exclusive) {
      if (closed) {
        return;
      }
      closed = true;
      syncing.close();
      gate.shut();
      try {
        database.close(!failure.hasFailed() && finish());
        LOG.info("closed {}", folder);
      } catch (IOException unmarked) {
        LOG.warn("{} is closed, but its state is not marked: {}", folder, unmarked.toString());
      } finally {
        onClose.accept(this);
      }
    }
  }

  /** Flushes the write buffers; where that fails, the log has their content. */
  private boolean finish() {
    try {
      database.finish();
      return true;
    } catch (RocksDBException | IOException unflushed) {
      LOG.warn("{} is closed without a flush: {}", folder, unflushed.getMessage());
      return false;
    }
  }

  /** What is done with the open database. */
  private interface Use<T extends @Nullable Object> {
    T apply(Database database) throws RocksDBException, IOException;
  }

  private <T extends @Nullable Object> T use(Use<T> use) {
    if (!gate.enter()) {
      throw new StorageException("the store in " + folder + " is closed");
    }
    try {
      failure.requireNone();
      return use.apply(database);
    } catch (RocksDBException | IOException failed) {
      throw failure.damaged(
          "could not read from "
              + folder
              + ": "
              + failed.getMessage()
              + ". Where its files are damaged, restore the folder from a backup",
          failed);
    } finally {
      gate.exit();
    }
  }

  /** Refuses all further calls; what is on disk is whole. */
  private StorageException closedBy(Throwable cause) {
    return failure.fail(cause.getMessage(), cause);
  }

  @Override
  public void setListener(StoreListener listener) {
    failure.setListener(listener);
  }

  @Override
  public byte @Nullable [] get(Column column, byte[] key) {
    return use(db -> db.rocks.get(db.family(column), key));
  }

  @Override
  public void scan(Column column, byte[] from, BiPredicate<byte[], byte[]> visitor) {
    use(
        db -> {
          try (ReadOptions options = new ReadOptions()) {
            scan(db, column, options, from, visitor);
          }
          return true;
        });
  }

  @Override
  public void scan(Column column, byte[] from, byte[] until, BiPredicate<byte[], byte[]> visitor) {
    use(
        db -> {
          try (ReadOptions options = new ReadOptions();
              Slice end = new Slice(until)) {
            scan(db, column, options.setIterateUpperBound(end), from, visitor);
          }
          return true;
        });
  }

  private static void scan(
      Database db,
      Column column,
      ReadOptions options,
      byte[] from,
      BiPredicate<byte[], byte[]> visitor)
      throws RocksDBException {
    try (RocksIterator iterator = db.rocks.newIterator(db.family(column), options)) {
      for (iterator.seek(from); iterator.isValid(); iterator.next()) {
        if (!visitor.test(iterator.key(), iterator.value())) {
          return;
        }
      }
      iterator.status();
    }
  }

  @Override
  public void write(WriteBatch batch) {
    checkSpace(batch);
    use(
        db -> {
          try (org.rocksdb.WriteBatch writes = db.batch(batch.entries())) {
            checkWritable(db);
            write(db, writes);
          }
          return true;
        });
  }

  /** Writes a batch; when that fails, the log may have it, so only opening again decides. */
  private void write(Database db, org.rocksdb.WriteBatch writes) {
    try {
      long now = System.nanoTime();
      boolean due = syncNanos == 0 || now - lastSync >= syncNanos;
      db.write(writes, due);
      if (due) {
        lastSync = now;
      } else if (!syncPending.getAndSet(true)) {
        syncing.wake();
      }
    } catch (RocksDBException | IOException | RuntimeException failed) {
      throw closedBy(failed);
    } catch (Error failed) {
      closedBy(failed);
      throw failed;
    }
  }

  /** Fails while nothing of a batch is written when RocksDB takes no writes now. */
  private void checkWritable(Database db) {
    try {
      db.checkWritable();
    } catch (RocksDBException failed) {
      Status status = failed.getStatus();
      if (status != null && status.getSubCode() == Status.SubCode.NoSpace) {
        throw new TransientStorageException(
            "the disk of "
                + folder
                + " was full; free some, and the node goes on by itself within seconds",
            failed);
      }
      if (status == null || status.getCode() != Status.Code.Corruption) {
        throw closedBy(failed); // RocksDB takes writes again when it is opened again
      }
      throw failure.damaged(
          "the store in "
              + folder
              + " takes no writes, since its files are damaged: "
              + failed.getMessage()
              + ". Restore the folder from a backup",
          failed);
    }
  }

  /**
   * Syncs what was written since the latest sync, when that is due; a step of the loop.
   *
   * @return for how many milliseconds nothing is due
   */
  private long syncWhenDue() {
    if (!syncPending.get()) {
      return Loop.UNTIL_WOKEN;
    }
    long left = lastSync + syncNanos - System.nanoTime();
    if (left > 0) {
      return TimeUnit.NANOSECONDS.toMillis(left) + 1;
    }
    sync();
    return Loop.UNTIL_WOKEN;
  }

  void sync() {
    syncPending.set(false);
    try {
      flush();
      syncs.succeeded();
    } catch (StorageException failed) {
      syncs.failed(failed);
    } catch (Throwable failed) {
      closedBy(failed);
      syncs.failed(failed);
    }
  }

  /** Refuses a batch while nothing is written yet. */
  private void checkSpace(WriteBatch batch) {
    long usable = folder.toFile().getUsableSpace();
    long needed = SPARE_BYTES + 2 * batch.bytes(); // log and file
    if (usable < needed && Files.isDirectory(folder)) {
      throw StorageException.diskNearlyFull(folder, usable, needed);
    }
  }

  @Override
  public void flush() {
    use(
        db -> {
          try {
            long now = System.nanoTime();
            db.flush();
            lastSync = now;
          } catch (RocksDBException | IOException failed) {
            throw closedBy(failed);
          }
          return true;
        });
  }

  @Override
  public long estimateCount(Column column) {
    return use(db -> db.rocks.getLongProperty(db.family(column), "rocksdb.estimate-num-keys"));
  }

  @Override
  public Snapshot snapshot() {
    return use(View::new);
  }

  @Override
  public long sizeInBytes() {
    try (Stream<Path> files = Files.list(folder)) {
      return files.mapToLong(file -> file.toFile().length()).sum();
    } catch (IOException none) {
      return 0;
    }
  }

  /** The content at one moment, by a snapshot of RocksDB's. */
  private final class View implements Snapshot, KeyReader {
    private final ReadOptions options = new ReadOptions();
    private final org.rocksdb.Snapshot snapshot;

    /** Reads that use the snapshot; shut when the view is closed. */
    private final Gate reads = new Gate();

    private final AtomicBoolean released = new AtomicBoolean();

    View(Database db) {
      snapshot = db.rocks.getSnapshot();
      options.setSnapshot(snapshot);
    }

    private <T extends @Nullable Object> T read(Use<T> use) {
      if (!reads.enter()) {
        throw new StorageException("the snapshot of the store in " + folder + " is closed");
      }
      try {
        return use(use);
      } finally {
        reads.exit();
      }
    }

    @Override
    public byte @Nullable [] get(Column column, byte[] key) {
      return read(db -> db.rocks.get(db.family(column), options, key));
    }

    @Override
    public void scan(Column column, byte[] from, BiPredicate<byte[], byte[]> visitor) {
      read(
          db -> {
            RocksDbStore.scan(db, column, options, from, visitor);
            return true;
          });
    }

    @Override
    public void scan(
        Column column, byte[] from, byte[] until, BiPredicate<byte[], byte[]> visitor) {
      read(
          db -> {
            try (ReadOptions bounded = new ReadOptions();
                Slice end = new Slice(until)) {
              bounded.setSnapshot(snapshot).setIterateUpperBound(end);
              RocksDbStore.scan(db, column, bounded, from, visitor);
            }
            return true;
          });
    }

    @Override
    public void close() {
      if (released.getAndSet(true)) {
        return;
      }
      reads.shut();
      options.close();
      if (gate.enter()) { // a database that is closed has freed it
        try {
          database.rocks.releaseSnapshot(snapshot);
        } finally {
          gate.exit();
        }
      }
    }
  }
}
