// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.storage.mapdb;

import dev.patchbay.api.storage.Column;
import dev.patchbay.api.storage.StorageException;
import dev.patchbay.binding.DurableFolders;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.Collectors;
import org.mapdb.BTreeMap;
import org.mapdb.DB;
import org.mapdb.DBException;
import org.mapdb.DBMaker;
import org.mapdb.Serializer;
import org.mapdb.StoreWAL;

/** The open file of a store, one BTreeMap a column. Threading: guarded by the store's lock. */
final class Database {
  private static final String FILE = "chain.mapdb";

  /** A file that is not complete yet; it gets its name when it is. */
  private static final String NEW_FILE = "new.mapdb";

  /** Segments of MapDB's locks, as a power of 2: its default. */
  private static final int CONCURRENCY_SHIFT = 3;

  private final DB db;
  private final JournaledVolume.Factory volumes;
  private final Map<String, BTreeMap<byte[], byte[]>> maps = new HashMap<>();

  private Database(DB db, JournaledVolume.Factory volumes) {
    this.db = db;
    this.volumes = volumes;
  }

  /**
   * Opens the database in a folder.
   *
   * @throws StorageException when it is damaged, incomplete or in use, or has other columns
   */
  static Database open(Path folder, List<Column> columns, boolean create) {
    // MapDB looks its serializers up through the context loader
    Thread thread = Thread.currentThread();
    ClassLoader before = thread.getContextClassLoader();
    thread.setContextClassLoader(DBMaker.class.getClassLoader());
    try {
      Path file = folder.resolve(FILE);
      if (!Files.exists(file)) {
        checkAbsent(folder, file, create);
        create(folder, columns);
      }
      return existing(folder, file, columns, create);
    } catch (StorageException refused) {
      throw refused;
    } catch (IOException | RuntimeException | Error failure) {
      throw refusal(folder, failure);
    } finally {
      thread.setContextClassLoader(before);
    }
  }

  private static void checkAbsent(Path folder, Path file, boolean create) {
    if (Files.exists(JournaledVolume.journalOf(file))) {
      throw new StorageException(
          "the store in "
              + folder
              + " is incomplete: it has a journal but no file "
              + FILE
              + ". Nothing was changed. Restore the folder from a backup, or move it away");
    }
    if (!create) {
      throw StorageException.incomplete(folder, "its file " + FILE + " is missing");
    }
  }

  /** Creates a file under another name, so that a file with its name has its columns. */
  private static void create(Path folder, List<Column> columns) throws IOException {
    DurableFolders.create(folder);
    Path file = folder.resolve(NEW_FILE);
    Files.deleteIfExists(file);
    Files.deleteIfExists(JournaledVolume.journalOf(file));
    Database created = make(file);
    try {
      created.openMaps(columns, true);
    } finally {
      created.close();
    }
    Files.deleteIfExists(JournaledVolume.journalOf(file));
    Files.move(file, folder.resolve(FILE), StandardCopyOption.ATOMIC_MOVE);
    DurableFolders.sync(folder);
  }

  private static Database existing(Path folder, Path file, List<Column> columns, boolean create)
      throws IOException {
    JournaledVolume.recover(file);
    long size = Files.size(file);
    Database opened = make(file);
    try {
      opened.volumes.checkSize(size);
      checkColumns(folder, opened.db.getAllNames(), columns, create);
      opened.openMaps(columns, create);
      DurableFolders.sync(folder);
      return opened;
    } catch (IOException | RuntimeException | Error failure) {
      opened.abandon();
      throw failure;
    }
  }

  /**
   * Makes what {@code DBMaker.fileDB(file).fileMmapEnable().transactionEnable()} does, journaled.
   */
  private static Database make(Path file) {
    boolean exists = Files.exists(file);
    JournaledVolume.Factory volumes = new JournaledVolume.Factory(file);
    try {
      StoreWAL store =
          StoreWAL.Companion.make(
              file.toString(),
              volumes,
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
      return new Database(new DB(store, exists, true, DBMaker.class.getClassLoader(), 0), volumes);
    } catch (RuntimeException | Error failure) {
      volumes.abandon();
      throw failure;
    }
  }

  private static void checkColumns(
      Path folder, Iterable<String> existing, List<Column> columns, boolean create) {
    Set<String> missing =
        columns.stream().map(Column::name).collect(Collectors.toCollection(TreeSet::new));
    Set<String> unknown = new TreeSet<>();
    for (String name : existing) {
      if (!missing.remove(name)) {
        unknown.add(name);
      }
    }
    if (!unknown.isEmpty()) {
      throw StorageException.unknownColumns(folder, unknown);
    }
    if (!missing.isEmpty() && !create) {
      throw StorageException.incomplete(folder, "it has no columns " + String.join(", ", missing));
    }
  }

  private void openMaps(List<Column> columns, boolean create) {
    for (Column column : columns) {
      DB.TreeMapMaker<byte[], byte[]> maker =
          db.treeMap(column.name())
              .keySerializer(Serializer.BYTE_ARRAY)
              .valueSerializer(Serializer.BYTE_ARRAY)
              // a put rewrites a tree node: with values in it, that would be some kilobytes
              .valuesOutsideNodesEnable()
              .counterEnable();
      maps.put(column.name(), create ? maker.createOrOpen() : maker.open());
    }
    db.commit();
  }

  private static StorageException refusal(Path folder, Throwable failure) {
    return failure instanceof DBException.FileLocked
        ? StorageException.inUse(folder, failure)
        : StorageException.cannotOpen(folder, failure);
  }

  /**
   * Returns the map of a column.
   *
   * @throws IllegalArgumentException when the store has no such column
   */
  BTreeMap<byte[], byte[]> map(Column column) {
    BTreeMap<byte[], byte[]> map = maps.get(column.name());
    if (map == null) {
      throw new IllegalArgumentException("the store has no column " + column);
    }
    return map;
  }

  /** Commits; the journal is on the disk when this returns. */
  void commit() {
    db.commit();
  }

  /** Returns how many bytes may be memory of the process because they were read; any thread. */
  long residentBytes() {
    return volumes.residentBytes();
  }

  /**
   * Releases the pages of the file that were read from the memory of the process; the caller holds
   * the store's write lock.
   */
  void releasePages() {
    volumes.releasePages();
  }

  /** Closes the file; what was not committed is lost. */
  void close() {
    db.close();
  }

  /**
   * Closes the file after a failure: the file and the journal stay as they are, so that opening
   * repeats the journal.
   */
  void abandon() {
    volumes.abandon();
    try {
      db.close();
    } catch (RuntimeException | Error failed) {
      // what was open is released by now, and the journal has what was committed
    }
  }
}
