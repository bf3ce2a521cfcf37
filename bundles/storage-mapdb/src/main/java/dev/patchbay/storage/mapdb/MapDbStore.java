// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.storage.mapdb;

import dev.patchbay.api.storage.Column;
import dev.patchbay.api.storage.KeyValueStore;
import dev.patchbay.api.storage.Snapshot;
import dev.patchbay.api.storage.SnapshotExpiredException;
import dev.patchbay.api.storage.StorageException;
import dev.patchbay.api.storage.StoreFailure;
import dev.patchbay.api.storage.StoreListener;
import dev.patchbay.api.storage.WriteBatch;
import dev.patchbay.binding.Failures;
import dev.patchbay.binding.Loop;
import dev.patchbay.binding.Threads;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayDeque;
import java.util.Arrays;
import java.util.Deque;
import java.util.HashMap;
import java.util.Iterator;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.TreeMap;
import java.util.concurrent.locks.StampedLock;
import java.util.function.BiPredicate;
import java.util.function.Consumer;
import java.util.function.Function;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.mapdb.BTreeMap;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * A durable store: one MapDB file behind a journal, one BTreeMap a column. A batch is applied under
 * a lock that readers share, so no reader sees a part of it, and its commit is forced to the disk
 * before {@link #write} returns. MapDB changes its maps in memory while a batch is applied: when
 * that fails midway, the store is closed, and opening it again reads the last commit.
 */
final class MapDbStore implements KeyValueStore {
  private static final Logger LOG = LoggerFactory.getLogger(MapDbStore.class);

  /** The files grow by mapped chunks of this order. */
  private static final long SPARE_BYTES = 32L << 20;

  /** A put rewrites a tree node, in the log and in the file. */
  private static final long BYTES_PER_ENTRY = 8_192;

  /** The most that the old values of all snapshots may take; a smaller heap has less. */
  private static final long MAX_KEPT_BYTES = 32L << 20;

  /**
   * The most of the file that may be memory of the process because it was read. Beyond it the pages
   * are released; beyond twice as many readers wait for that.
   */
  private static final long MAX_RESIDENT_BYTES = 192L << 20;

  /**
   * What may stay from second to second. Each block writes to random places of the trees, so that
   * in a minute most of the file would be memory of the process, which grows with the chain.
   */
  private static final long STEADY_RESIDENT_BYTES = 16L << 20;

  private static final long STEADY_MILLIS = 1_000;

  /** The longest that a reader waits until pages are released. */
  private static final long MAX_WAIT_MILLIS = 100;

  /** The share of the heap that old values may take. */
  private static final int KEPT_SHARE = 16;

  /** Rough cost of an old value beyond its bytes: a tree node and two array headers. */
  private static final int KEPT_OVERHEAD = 96;

  private final Path folder;
  private final List<Column> columns;
  private final Consumer<MapDbStore> onClose;
  private final long maxKeptBytes;
  private final long maxResidentBytes;

  /**
   * Not reentrant. It allocates nothing when it is free, so that it is released after any error.
   */
  private final StampedLock lock = new StampedLock();

  /** Open snapshots, the oldest first; guarded by the write lock. */
  private final Deque<View> views = new ArrayDeque<>();

  /** What the old values of all views take; guarded by the write lock. */
  private long keptBytes;

  /** Null when the store is closed; changes under the write lock. */
  private volatile @Nullable Database database;

  /** Whether a batch is applied in part; stays set when that failed. Guarded by the write lock. */
  private boolean applying;

  /** Why calls fail although the store was not closed. */
  private final StoreFailure failure;

  /**
   * Releases pages after reads. Readers do not: where a thread is interrupted while it maps a file,
   * Java closes the file.
   */
  private final Loop releaser;

  /** Notified when pages were released. */
  private final Object released = new Object();

  /**
   * Opens the store in a folder.
   *
   * @throws StorageException when the file is damaged, incomplete or in use
   */
  MapDbStore(Path folder, List<Column> columns, boolean create, Consumer<MapDbStore> onClose) {
    this(
        folder,
        columns,
        create,
        onClose,
        Math.min(MAX_KEPT_BYTES, Runtime.getRuntime().maxMemory() / KEPT_SHARE),
        MAX_RESIDENT_BYTES,
        body -> Threads.create(body, "storage-mapdb-pages-0"));
  }

  /**
   * Opens the store in a folder with limits of its own.
   *
   * @param releasing creates the thread that releases pages
   */
  MapDbStore(
      Path folder,
      List<Column> columns,
      boolean create,
      Consumer<MapDbStore> onClose,
      long maxKeptBytes,
      long maxResidentBytes,
      Function<Runnable, Thread> releasing) {
    this.folder = folder;
    this.columns = List.copyOf(columns);
    this.onClose = onClose;
    this.maxKeptBytes = maxKeptBytes;
    this.maxResidentBytes = maxResidentBytes;
    failure = new StoreFailure(folder);
    releaser =
        new Loop(
            releasing, new Failures("releasing pages", LOG::warn, LOG::info), this::releasePages);
    database = Database.open(folder, columns, create);
    try {
      releaser.start();
      LOG.info("opened {} ({} bytes)", folder, sizeInBytes());
    } catch (Throwable failed) { // no thread for it, say: the folder must not stay locked
      close();
      throw failed;
    }
  }

  Path folder() {
    return folder;
  }

  @Override
  public void close() {
    Headroom.require();
    long stamp = lock.writeLock();
    try {
      Database open = database;
      if (open == null) {
        return;
      }
      database = null;
      if (failure.hasFailed()) {
        open.abandon();
      } else {
        open.close();
      }
      LOG.info("closed {}", folder);
    } finally {
      lock.unlockWrite(stamp);
      releaser.close(); // it may have waited for the lock
      onClose.accept(this);
    }
  }

  /** Returns the database; the caller holds a lock. */
  private Database opened() {
    Database open = database;
    if (open == null) {
      throw new StorageException("the store in " + folder + " is closed");
    }
    failure.requireNone();
    return open;
  }

  @Override
  public void setListener(StoreListener listener) {
    failure.setListener(listener);
  }

  /** Reads from the map of a column under the lock; the file is damaged where MapDB fails. */
  private <T extends @Nullable Object> T read(
      Column column, Function<BTreeMap<byte[], byte[]>, T> reading) {
    Headroom.require();
    Database open;
    T result;
    long stamp = lock.readLock();
    try {
      open = opened();
      BTreeMap<byte[], byte[]> map = open.map(column);
      try {
        result = reading.apply(map);
      } catch (StorageException failed) {
        throw failed;
      } catch (RuntimeException | InternalError | AssertionError failed) {
        throw failure.damaged(
            "could not read from "
                + folder
                + ": its file is damaged ("
                + failed
                + "). Restore the folder from a backup",
            failed);
      }
    } finally {
      lock.unlockRead(stamp);
    }
    limitResidentPages(open);
    return result;
  }

  /** Has pages released when readers have touched too many; the caller holds no lock. */
  private void limitResidentPages(Database open) {
    if (open.residentBytes() <= maxResidentBytes) {
      return;
    }
    releaser.wake();
    if (open.residentBytes() <= 2 * maxResidentBytes) {
      return;
    }
    synchronized (released) {
      if (open.residentBytes() > 2 * maxResidentBytes) {
        try {
          released.wait(MAX_WAIT_MILLIS);
        } catch (InterruptedException interrupted) {
          Thread.currentThread().interrupt();
        }
      }
    }
  }

  /** A step of {@link #releaser}. */
  private long releasePages() {
    Database seen = database;
    if (seen == null || seen.residentBytes() <= STEADY_RESIDENT_BYTES) {
      return STEADY_MILLIS; // without a lock
    }
    long stamp = lock.writeLock();
    try {
      Database open = database;
      if (open != null) {
        releasePages(open, STEADY_RESIDENT_BYTES);
      }
    } finally {
      lock.unlockWrite(stamp);
    }
    return STEADY_MILLIS;
  }

  /** Releases pages when too many were touched; the caller holds the write lock. */
  private void releasePages(Database open, long maxBytes) {
    if (open.residentBytes() > maxBytes) {
      open.releasePages();
      synchronized (released) {
        released.notifyAll();
      }
    }
  }

  @Override
  public void write(WriteBatch batch) {
    Headroom.require();
    long stamp = lock.writeLock();
    try {
      Database open = opened();
      List<WriteBatch.Entry> entries = batch.entries();
      check(open, entries);
      checkSpace(entries.size());
      keepForViews(open, entries);
      try {
        applying = true;
        for (WriteBatch.Entry entry : entries) {
          byte[] value = entry.value();
          if (value == null) {
            open.map(entry.column()).remove(entry.key());
          } else {
            open.map(entry.column()).put(entry.key(), value);
          }
          releasePages(open, maxResidentBytes);
        }
        open.commit();
        applying = false;
      } catch (RuntimeException | InternalError failed) {
        throw failure.fail(
            failed instanceof InternalError ? "the disk is full or broken" : failed.toString(),
            failed);
      } finally {
        if (applying) {
          failure.fail();
        }
      }
    } finally {
      lock.unlockWrite(stamp);
    }
  }

  /** Fails for a malformed batch while nothing is written yet. */
  private static void check(Database open, List<WriteBatch.Entry> entries) {
    for (WriteBatch.Entry entry : entries) {
      open.map(entry.column());
      Objects.requireNonNull(entry.key(), "a key is null");
    }
  }

  /**
   * Refuses a batch while nothing is written yet: the files are mapped, and a full disk is no
   * exception there.
   */
  private void checkSpace(int entries) {
    long usable = folder.toFile().getUsableSpace();
    long needed = SPARE_BYTES + entries * BYTES_PER_ENTRY;
    if (usable < needed) {
      throw StorageException.diskNearlyFull(folder, usable, needed);
    }
  }

  /** Keeps the values that a batch replaces; the oldest views expire when they are too many. */
  private void keepForViews(Database open, List<WriteBatch.Entry> entries) {
    for (WriteBatch.Entry entry : entries) {
      if (views.isEmpty()) {
        return;
      }
      byte[] before = open.map(entry.column()).get(entry.key());
      releasePages(open, maxResidentBytes);
      for (View view : views) {
        keptBytes += view.keep(entry.column(), entry.key(), before);
      }
      while (keptBytes > maxKeptBytes) {
        View oldest = views.removeFirst();
        keptBytes -= oldest.expire();
        LOG.warn(
            "a snapshot of {} has expired: more than {} bytes of old values", folder, maxKeptBytes);
      }
    }
  }

  /** Does nothing: each commit is forced to the disk before {@link #write} returns. */
  @Override
  public void flush() {
    Headroom.require();
    long stamp = lock.readLock();
    try {
      opened(); // fails when the store is closed
    } finally {
      lock.unlockRead(stamp);
    }
  }

  @Override
  public byte @Nullable [] get(Column column, byte[] key) {
    Objects.requireNonNull(key);
    return read(column, map -> map.get(key));
  }

  @Override
  public void scan(Column column, byte[] from, BiPredicate<byte[], byte[]> visitor) {
    visit(column, from, null, visitor);
  }

  @Override
  public long count(Column column) {
    return read(column, BTreeMap::sizeLong);
  }

  @Override
  public Snapshot snapshot() {
    Headroom.require();
    long stamp = lock.writeLock();
    try {
      View view = new View(opened());
      views.addLast(view);
      return view;
    } finally {
      lock.unlockWrite(stamp);
    }
  }

  @Override
  public long sizeInBytes() {
    try (Stream<Path> files = Files.list(folder)) {
      return files.mapToLong(file -> file.toFile().length()).sum();
    } catch (IOException unreadable) {
      return 0;
    }
  }

  /**
   * Visits entries chunk by chunk, each read under the lock; the first chunk is small, as many
   * scans stop at once.
   */
  private void visit(
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
    return read(
        column,
        map -> {
          Iterator<Map.Entry<byte[], byte[]>> entries =
              map.tailMap(from, true).entrySet().iterator();
          byte[] last = null;
          for (int i = 0; i < size && entries.hasNext(); i++) {
            Map.Entry<byte[], byte[]> entry = entries.next();
            last = entry.getKey();
            chunk.put(last.clone(), entry.getValue().clone());
          }
          byte[] end =
              last != null && entries.hasNext() ? Arrays.copyOf(last, last.length + 1) : null;
          if (view != null) {
            view.restore(column, from, end, chunk);
          }
          return end;
        });
  }

  /**
   * The content at one moment: what the maps hold now, except for keys that were written since,
   * whose old values are kept here. Guarded by the store's lock.
   */
  private final class View implements Snapshot {
    private static final byte[] ABSENT = new byte[0];

    private final Map<String, TreeMap<byte[], byte[]>> kept = new HashMap<>();
    private final Map<String, Long> counts = new HashMap<>();
    private long bytes;

    /** Why reads fail; null while the view is open. */
    private @Nullable String ended;

    private boolean expired;

    View(Database open) {
      for (Column column : columns) {
        counts.put(column.name(), open.map(column).sizeLong());
        kept.put(column.name(), new TreeMap<>(Arrays::compareUnsigned));
      }
    }

    /** Returns the old values of a column that the store has; the caller holds a lock. */
    private TreeMap<byte[], byte[]> kept(Column column) {
      String reason = ended;
      if (reason != null) {
        String message = "the snapshot of the store in " + folder + " " + reason;
        throw expired ? new SnapshotExpiredException(message) : new StorageException(message);
      }
      return Objects.requireNonNull(kept.get(column.name()));
    }

    /** Keeps a value that is about to be replaced; returns the bytes that this takes. */
    long keep(Column column, byte[] key, byte @Nullable [] before) {
      byte[] old = before == null ? ABSENT : before;
      if (kept(column).putIfAbsent(key, old) != null) {
        return 0;
      }
      long added = KEPT_OVERHEAD + key.length + old.length;
      bytes += added;
      return added;
    }

    /** Ends the view for want of memory; returns the bytes that become free. */
    long expire() {
      expired = true;
      return end(
          "has expired: more than "
              + maxKeptBytes
              + " bytes were replaced while it was open. Close snapshots sooner");
    }

    private long end(String reason) {
      ended = reason;
      kept.clear();
      long freed = bytes;
      bytes = 0;
      return freed;
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
      Objects.requireNonNull(key);
      return read(
          column,
          map -> {
            byte[] old = kept(column).get(key);
            if (old == null) {
              return map.get(key);
            }
            return old == ABSENT ? null : old.clone();
          });
    }

    @Override
    public void scan(Column column, byte[] from, BiPredicate<byte[], byte[]> visitor) {
      MapDbStore.this.visit(column, from, this, visitor);
    }

    @Override
    public long count(Column column) {
      return read(
          column,
          map -> {
            kept(column); // fails when the view has ended
            return counts.getOrDefault(column.name(), 0L);
          });
    }

    @Override
    public void close() {
      Headroom.require();
      long stamp = lock.writeLock();
      try {
        if (views.remove(this)) {
          keptBytes -= end("is closed");
        }
      } finally {
        lock.unlockWrite(stamp);
      }
    }
  }
}
