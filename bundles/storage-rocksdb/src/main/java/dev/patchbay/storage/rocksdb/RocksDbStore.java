// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.storage.rocksdb;

import dev.patchbay.api.storage.Column;
import dev.patchbay.api.storage.KeyReader;
import dev.patchbay.api.storage.KeyValueStore;
import dev.patchbay.api.storage.Snapshot;
import dev.patchbay.api.storage.StorageException;
import dev.patchbay.api.storage.WriteBatch;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.concurrent.locks.ReentrantReadWriteLock;
import java.util.function.BiPredicate;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.osgi.framework.BundleContext;
import org.osgi.service.component.annotations.Activate;
import org.osgi.service.component.annotations.Component;
import org.osgi.service.component.annotations.Deactivate;
import org.rocksdb.ReadOptions;
import org.rocksdb.RocksDBException;
import org.rocksdb.RocksIterator;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * A durable store: one RocksDB database, one column family a column. The files are opened on first
 * use, so a store that is not chosen costs nothing. RocksDB has no exact count of keys: to keep one
 * would take a look-up for each key that is written, so {@link #count} counts.
 *
 * <p>Threading: calls share the database under a read lock; closing waits for them.
 */
@Component(service = KeyValueStore.class, property = KeyValueStore.ID + "=rocksdb")
public final class RocksDbStore implements KeyValueStore {
  private static final Logger LOG = LoggerFactory.getLogger(RocksDbStore.class);

  /** What flushing the write buffers and merging files may take before space is asked for again. */
  private static final long SPARE_BYTES = 128L << 20;

  private final Path folder;
  private final ReentrantReadWriteLock lock = new ReentrantReadWriteLock();
  private final Object opening = new Object();

  /** Set under {@link #opening} and a read lock, unset under the write lock. */
  private volatile @Nullable Database database;

  /** Open snapshots; guarded by {@link #opening}. */
  private int views;

  private volatile boolean closed;

  /** Prepares the store in the folder {@code storage-rocksdb} of the node's data directory. */
  @Activate
  public RocksDbStore(BundleContext context) {
    this(folderOf(context));
  }

  private static Path folderOf(BundleContext context) {
    String data = context.getProperty("patchbay.data");
    if (data == null) {
      throw new StorageException(
          "the framework property patchbay.data, the node's data directory, is not set; start the node with ./patchbay");
    }
    return Path.of(data, "storage-rocksdb");
  }

  /** Prepares the store in a folder, which is made on first use. */
  public RocksDbStore(Path folder) {
    this.folder = folder;
  }

  /** Closes the files; later calls fail. */
  @Deactivate
  public void close() {
    lock.writeLock().lock();
    try {
      closed = true;
      Database open = database;
      if (open != null) {
        database = null;
        open.close();
        LOG.info("closed {}", folder);
      }
    } finally {
      lock.writeLock().unlock();
    }
  }

  /** What is done with the open database. */
  private interface Use<T extends @Nullable Object> {
    T apply(Database database) throws RocksDBException;
  }

  private <T extends @Nullable Object> T use(Use<T> use) {
    lock.readLock().lock();
    try {
      return use.apply(opened());
    } catch (RocksDBException failure) {
      throw new StorageException(
          "the store in "
              + folder
              + " has failed: "
              + failure.getMessage()
              + ". Where the disk was full, free space and restart the node; nothing that was reported is lost",
          failure);
    } finally {
      lock.readLock().unlock();
    }
  }

  /** Returns the database, opened when this is the first use; the caller holds the read lock. */
  private Database opened() {
    Database current = database;
    if (current != null) {
      return current;
    }
    synchronized (opening) {
      if (closed) {
        throw new StorageException("the store in " + folder + " is closed");
      }
      current = database;
      if (current == null) {
        current = Database.open(folder);
        database = current;
        LOG.info("opened {} ({} bytes)", folder, sizeInBytes());
      }
      return current;
    }
  }

  @Override
  public String id() {
    return "rocksdb";
  }

  @Override
  public boolean isDurable() {
    return true;
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
          db.write(batch.entries());
          return true;
        });
  }

  /**
   * Refuses a batch while nothing is written yet: once RocksDB has met a full disk itself, it takes
   * no writes until it is opened again.
   */
  private void checkSpace(WriteBatch batch) {
    long usable = folder.toFile().getUsableSpace();
    long needed = SPARE_BYTES;
    for (WriteBatch.Entry entry : batch.entries()) {
      byte[] value = entry.value();
      needed += 2L * (entry.key().length + (value == null ? 0 : value.length)); // log and file
    }
    if (usable < needed && Files.isDirectory(folder)) {
      throw StorageException.diskNearlyFull(folder, usable, needed);
    }
  }

  @Override
  public Snapshot snapshot() {
    return use(
        db -> {
          synchronized (opening) {
            views++;
            return new View(db);
          }
        });
  }

  @Override
  public void clear() {
    lock.writeLock().lock();
    try {
      if (closed) {
        throw new StorageException("the store in " + folder + " is closed");
      }
      if (views > 0) {
        throw new StorageException(
            "the store in " + folder + " cannot be cleared while a snapshot of it is open");
      }
      Database open = database;
      if (open != null) {
        database = null;
        open.close();
      }
      if (Files.exists(folder)) {
        try (Stream<Path> files = Files.list(folder)) {
          for (Path file : files.toList()) {
            Files.delete(file);
          }
        }
      }
    } catch (IOException failure) {
      throw new StorageException("could not clear " + folder + ": " + failure, failure);
    } finally {
      lock.writeLock().unlock();
    }
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
    private final org.rocksdb.Snapshot snapshot;
    private final ReadOptions options = new ReadOptions();
    private boolean released;

    View(Database db) {
      snapshot = db.rocks.getSnapshot();
      options.setSnapshot(snapshot);
    }

    @Override
    public byte @Nullable [] get(Column column, byte[] key) {
      return use(db -> db.rocks.get(db.family(column), options, key));
    }

    @Override
    public void scan(Column column, byte[] from, BiPredicate<byte[], byte[]> visitor) {
      use(
          db -> {
            RocksDbStore.scan(db, column, options, from, visitor);
            return true;
          });
    }

    @Override
    public void close() {
      lock.readLock().lock();
      try {
        synchronized (opening) {
          if (released) {
            return;
          }
          released = true;
          views--;
          options.close();
          Database open = database;
          if (open != null) {
            open.rocks.releaseSnapshot(snapshot);
          }
        }
      } finally {
        lock.readLock().unlock();
      }
    }
  }
}
