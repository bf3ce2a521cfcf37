// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.storage.mapdb;

import dev.patchbay.api.storage.Column;
import dev.patchbay.api.storage.KeyValueStore;
import dev.patchbay.api.storage.Snapshot;
import dev.patchbay.api.storage.StorageException;
import dev.patchbay.api.storage.WriteBatch;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.EnumMap;
import java.util.HashMap;
import java.util.Iterator;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.locks.ReentrantReadWriteLock;
import java.util.function.BiPredicate;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.mapdb.BTreeMap;
import org.mapdb.DB;
import org.mapdb.DBException;
import org.mapdb.DBMaker;
import org.mapdb.Serializer;
import org.mapdb.StoreWAL;
import org.osgi.framework.BundleContext;
import org.osgi.service.component.annotations.Activate;
import org.osgi.service.component.annotations.Component;
import org.osgi.service.component.annotations.Deactivate;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * A durable store: one MapDB file behind a journal, one BTreeMap a column. A batch is applied under
 * a lock that readers share, so nobody sees a part of it, and is committed before {@link #write}
 * returns.
 */
@Component(service = KeyValueStore.class, property = KeyValueStore.ID + "=mapdb")
public final class MapDbStore implements KeyValueStore {
  private static final Logger LOG = LoggerFactory.getLogger(MapDbStore.class);
  private static final String FILE = "chain.mapdb";

  /** Segments of MapDB's locks, as a power of 2: its default. */
  private static final int CONCURRENCY_SHIFT = 3;

  /** The files grow by mapped chunks of this order. */
  private static final long SPARE_BYTES = 32L << 20;

  /** A put rewrites a tree node, in the log and in the file. */
  private static final long BYTES_AN_ENTRY = 8_192;

  private final Path folder;
  private final Map<Column, BTreeMap<byte[], byte[]>> columns = new EnumMap<>(Column.class);
  private final ReentrantReadWriteLock lock = new ReentrantReadWriteLock();
  private final Set<View> views = ConcurrentHashMap.newKeySet();
  private volatile boolean closed;

  /** Changes only under the write lock, when the store is cleared. */
  private volatile @Nullable DB db;

  /** Opens the store in the folder {@code storage-mapdb} of the node's data directory. */
  @Activate
  public MapDbStore(BundleContext context) {
    this(folderOf(context));
  }

  private static Path folderOf(BundleContext context) {
    String data = context.getProperty("patchbay.data");
    if (data == null) {
      throw new StorageException(
          "the framework property patchbay.data, the node's data directory, is not set; start the node with ./patchbay");
    }
    return Path.of(data, "storage-mapdb");
  }

  /**
   * Opens the store in a folder, which is made when it does not exist.
   *
   * @throws StorageException when the file is damaged or in use
   */
  public MapDbStore(Path folder) {
    this.folder = folder;
    open();
    LOG.info("opened {} ({} bytes)", folder, sizeInBytes());
  }

  private void open() {
    // MapDB looks its serializers up through the context loader
    Thread thread = Thread.currentThread();
    ClassLoader before = thread.getContextClassLoader();
    thread.setContextClassLoader(DBMaker.class.getClassLoader());
    DB opened = null;
    try {
      Files.createDirectories(folder);
      opened = database(folder.resolve(FILE));
      for (Column column : Column.values()) {
        columns.put(
            column,
            opened
                .treeMap(column.name())
                .keySerializer(Serializer.BYTE_ARRAY)
                .valueSerializer(Serializer.BYTE_ARRAY)
                // a put rewrites a tree node: with values in it, that would be some kilobytes
                .valuesOutsideNodesEnable()
                .counterEnable()
                .createOrOpen());
      }
      opened.commit();
      db = opened;
    } catch (IOException | RuntimeException | Error failure) {
      if (opened != null) {
        opened.close();
      }
      throw refusal(failure);
    } finally {
      thread.setContextClassLoader(before);
    }
  }

  /** What {@code DBMaker.fileDB(file).fileMmapEnable().transactionEnable()} makes, journaled. */
  private static DB database(Path file) throws IOException {
    JournaledVolume.recover(file);
    boolean exists = Files.exists(file);
    StoreWAL store =
        StoreWAL.Companion.make(
            file.toString(),
            JournaledVolume.factory(file),
            0,
            true,
            CONCURRENCY_SHIFT,
            0,
            0,
            false,
            false,
            false,
            true,
            false);
    return new DB(store, exists, true, DBMaker.class.getClassLoader(), 0);
  }

  private StorageException refusal(Throwable failure) {
    if (failure instanceof DBException.FileLocked) {
      return new StorageException(
          "the store in "
              + folder
              + " is in use by another process; stop it, or choose another --datadir",
          failure);
    }
    return new StorageException(
        "the store in "
            + folder
            + " cannot be opened: its file is damaged or not readable ("
            + failure
            + "). Nothing was changed. Restore the folder from a backup, or start with another --datadir",
        failure);
  }

  /** Closes the file; later calls fail. */
  @Deactivate
  public void close() {
    lock.writeLock().lock();
    try {
      if (!closed) {
        closed = true;
        database().close();
        LOG.info("closed {}", folder);
      }
    } finally {
      lock.writeLock().unlock();
    }
  }

  private DB database() {
    DB current = db;
    if (current == null) {
      throw new StorageException("the store in " + folder + " is closed");
    }
    return current;
  }

  private BTreeMap<byte[], byte[]> column(Column column) {
    BTreeMap<byte[], byte[]> map = columns.get(column);
    if (map == null || closed) {
      throw new StorageException("the store in " + folder + " is closed");
    }
    return map;
  }

  @Override
  public String id() {
    return "mapdb";
  }

  @Override
  public boolean isDurable() {
    return true;
  }

  @Override
  public void write(WriteBatch batch) {
    lock.writeLock().lock();
    try {
      checkSpace(batch);
      if (!views.isEmpty()) {
        keepForViews(batch);
      }
      for (WriteBatch.Entry entry : batch.entries()) {
        byte[] value = entry.value();
        if (value == null) {
          column(entry.column()).remove(entry.key());
        } else {
          column(entry.column()).put(entry.key(), value);
        }
      }
      commit();
    } catch (DBException | UncheckedIOException failure) {
      database().rollback();
      throw new StorageException(
          "could not write to " + folder + ": " + failure + "; is the disk full?", failure);
    } catch (InternalError failure) {
      // a mapped page without disk behind it: what is in memory is no longer to be trusted, what
      // was committed is in the journal
      throw closedBy("the disk is full or broken", failure);
    } finally {
      lock.writeLock().unlock();
    }
  }

  /** Commits; a commit that fails may be in the journal whole, so that opening again decides. */
  private void commit() {
    try {
      database().commit();
    } catch (RuntimeException failure) {
      throw closedBy(failure.toString(), failure);
    }
  }

  /** Refuses all further calls; what is on disk is whole. */
  private StorageException closedBy(String reason, Throwable failure) {
    closed = true;
    return new StorageException(
        "the store in "
            + folder
            + " has failed and is closed: "
            + reason
            + ". Free space and restart the node; nothing that was reported is lost",
        failure);
  }

  /**
   * Refuses a batch while nothing is written yet: the files are mapped, and a full disk is no
   * exception there.
   */
  private void checkSpace(WriteBatch batch) {
    long usable = folder.toFile().getUsableSpace();
    long needed = SPARE_BYTES + batch.entries().size() * BYTES_AN_ENTRY;
    if (usable < needed) {
      throw StorageException.diskNearlyFull(folder, usable, needed);
    }
  }

  private void keepForViews(WriteBatch batch) {
    for (WriteBatch.Entry entry : batch.entries()) {
      byte[] before = column(entry.column()).get(entry.key());
      for (View view : views) {
        view.keep(entry.column(), entry.key(), before);
      }
    }
  }

  @Override
  public byte @Nullable [] get(Column column, byte[] key) {
    lock.readLock().lock();
    try {
      return column(column).get(key);
    } finally {
      lock.readLock().unlock();
    }
  }

  @Override
  public void scan(Column column, byte[] from, BiPredicate<byte[], byte[]> visitor) {
    scan(column, from, null, visitor);
  }

  @Override
  public long count(Column column) {
    lock.readLock().lock();
    try {
      return column(column).sizeLong();
    } finally {
      lock.readLock().unlock();
    }
  }

  @Override
  public Snapshot snapshot() {
    lock.writeLock().lock();
    try {
      View view = new View();
      views.add(view);
      return view;
    } finally {
      lock.writeLock().unlock();
    }
  }

  @Override
  public void clear() {
    lock.writeLock().lock();
    try {
      column(Column.META); // fails when the store is closed
      if (!views.isEmpty()) {
        throw new StorageException(
            "the store in " + folder + " cannot be cleared while a snapshot of it is open");
      }
      database().close();
      closed = true;
      try (Stream<Path> files = Files.list(folder)) {
        for (Path file : files.toList()) {
          Files.delete(file);
        }
      }
      open();
      closed = false;
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
    } catch (IOException gone) {
      return 0;
    }
  }

  /**
   * Visits entries chunk by chunk, each read under the lock; the first chunk is small, as many
   * scans stop at once.
   */
  private void scan(
      Column column, byte[] from, @Nullable View view, BiPredicate<byte[], byte[]> visitor) {
    byte[] next = from;
    for (int size = 4; next != null; size = Math.min(512, size * 4)) {
      TreeMap<byte[], byte[]> chunk = new TreeMap<>(Arrays::compareUnsigned);
      next = fill(column, next, size, view, chunk);
      for (Map.Entry<byte[], byte[]> entry : chunk.entrySet()) {
        if (!visitor.test(entry.getKey(), entry.getValue())) {
          return;
        }
      }
    }
  }

  /** Reads a chunk; returns where the next begins, or null at the end. */
  private byte @Nullable [] fill(
      Column column, byte[] from, int size, @Nullable View view, TreeMap<byte[], byte[]> chunk) {
    lock.readLock().lock();
    try {
      Iterator<Map.Entry<byte[], byte[]>> entries =
          column(column).tailMap(from, true).entrySet().iterator();
      byte[] last = null;
      for (int i = 0; i < size && entries.hasNext(); i++) {
        Map.Entry<byte[], byte[]> entry = entries.next();
        last = entry.getKey();
        chunk.put(last.clone(), entry.getValue().clone());
      }
      byte[] end = last != null && entries.hasNext() ? Arrays.copyOf(last, last.length + 1) : null;
      if (view != null) {
        view.restore(column, from, end, chunk);
      }
      return end;
    } finally {
      lock.readLock().unlock();
    }
  }

  /**
   * The content at one moment: what the maps hold now, except for keys that were written since,
   * whose old values are kept here.
   */
  private final class View implements Snapshot {
    private final Map<Column, TreeMap<byte[], byte[]>> kept = new EnumMap<>(Column.class);
    private final Map<Column, Long> counts = new HashMap<>();
    private static final byte[] ABSENT = new byte[0];

    View() {
      for (Column column : Column.values()) {
        counts.put(column, column(column).sizeLong());
        kept.put(column, new TreeMap<>(Arrays::compareUnsigned));
      }
    }

    private TreeMap<byte[], byte[]> kept(Column column) {
      TreeMap<byte[], byte[]> map = kept.get(column);
      if (map == null) {
        throw new IllegalArgumentException("unknown column " + column);
      }
      return map;
    }

    /** Called with the write lock held. */
    void keep(Column column, byte[] key, byte @Nullable [] before) {
      kept(column).putIfAbsent(key, before == null ? ABSENT : before);
    }

    /**
     * Puts the values of this view into a chunk that was read from the maps; called with the read
     * lock held.
     */
    void restore(Column column, byte[] from, byte @Nullable [] end, TreeMap<byte[], byte[]> chunk) {
      Map<byte[], byte[]> old =
          end == null
              ? kept(column).tailMap(from, true)
              : kept(column).subMap(from, true, end, false);
      old.forEach(
          (key, value) -> {
            if (value == ABSENT) {
              chunk.remove(key);
            } else {
              chunk.put(key.clone(), value.clone());
            }
          });
    }

    @Override
    public byte @Nullable [] get(Column column, byte[] key) {
      lock.readLock().lock();
      try {
        byte[] old = kept(column).get(key);
        if (old == null) {
          return column(column).get(key);
        }
        return old == ABSENT ? null : old.clone();
      } finally {
        lock.readLock().unlock();
      }
    }

    @Override
    public void scan(Column column, byte[] from, BiPredicate<byte[], byte[]> visitor) {
      MapDbStore.this.scan(column, from, this, visitor);
    }

    @Override
    public long count(Column column) {
      return counts.getOrDefault(column, 0L);
    }

    @Override
    public void close() {
      views.remove(this);
    }
  }
}
