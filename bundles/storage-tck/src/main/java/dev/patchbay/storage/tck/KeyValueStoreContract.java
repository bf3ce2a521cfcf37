// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.storage.tck;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.patchbay.api.storage.Column;
import dev.patchbay.api.storage.KeyReader;
import dev.patchbay.api.storage.KeyValueStore;
import dev.patchbay.api.storage.Snapshot;
import dev.patchbay.api.storage.SnapshotExpiredException;
import dev.patchbay.api.storage.StorageBackend;
import dev.patchbay.api.storage.StorageException;
import dev.patchbay.api.storage.StoreListener;
import dev.patchbay.api.storage.WriteBatch;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.TreeMap;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.IntFunction;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * What every {@link StorageBackend} and its stores must do. A backend's test extends this class and
 * implements {@link #activate} and {@link #deactivate}; the kit is for third-party backends as
 * well. Each test has a new backend and one store in a folder of its own.
 */
public abstract class KeyValueStoreContract {
  /** A column of general use. */
  protected static final Column META = new Column("META");

  /** A column of general use. */
  protected static final Column CODE = new Column("CODE");

  /** A column that is read at random keys. */
  protected static final Column ACCOUNTS = new Column("ACCOUNTS", Column.Access.RANDOM);

  /** A column that each batch rewrites. */
  protected static final Column NODES = new Column("ACCOUNT_TRIE", Column.Access.REWRITTEN);

  /** A column of large values. */
  protected static final Column BODIES = new Column("BODIES", Column.Access.LARGE_VALUES);

  /** The columns of the store under test. */
  protected static final List<Column> COLUMNS = List.of(META, CODE, ACCOUNTS, NODES, BODIES);

  @TempDir private Path folder;

  private StorageBackend backend;
  private KeyValueStore store;

  /** What the listener of the store has got. */
  private List<String> failures = List.of();

  /** Creates and activates a backend, as its bundle does when it starts. */
  protected abstract StorageBackend activate() throws Exception;

  /** Deactivates a backend, as its bundle does when it stops. */
  protected abstract void deactivate(StorageBackend backend) throws Exception;

  /** Returns the folder of the store under test; other folders of a test are siblings of it. */
  protected final Path folder() {
    return folder.resolve("store");
  }

  /** Returns the backend of this test. */
  protected final StorageBackend backend() {
    return backend;
  }

  /** Returns the store under test. */
  protected final KeyValueStore store() {
    return store;
  }

  /** Activates the backend and opens the store. */
  @BeforeEach
  public final void openStore() throws Exception {
    backend = activate();
    store = backend.open(folder(), COLUMNS, true);
    failures = listen(store);
  }

  /** Closes the store and deactivates the backend. */
  @AfterEach
  public final void closeStore() throws Exception {
    store.close();
    deactivate(backend);
  }

  /** Returns bytes from hexadecimal digits. */
  protected static byte[] key(String hex) {
    return HexFormat.of().parseHex(hex);
  }

  private static List<String> keys(KeyReader reader, Column column, String from) {
    List<String> out = new ArrayList<>();
    reader.scan(column, key(from), (k, v) -> out.add(HexFormat.of().formatHex(k)));
    return out;
  }

  private void put(Column column, String key, String value) {
    put(store, column, key, value);
  }

  private static void put(KeyValueStore store, Column column, String key, String value) {
    WriteBatch batch = new WriteBatch();
    batch.put(column, key(key), key(value));
    store.write(batch);
  }

  /** A backend has an id of small letters, digits and '-'. */
  @Test
  public void idsAreNames() {
    assertThat(backend.id()).matches("[a-z][a-z0-9-]*");
  }

  /** An absent key has no value. */
  @Test
  public void absentKeysAreNull() {
    assertThat(store.get(META, key("00"))).isNull();
    assertThat(store.count(META)).isZero();
    assertThat(store.isEmpty(META)).isTrue();
  }

  /** Columns do not see each other. */
  @Test
  public void columnsAreSeparate() {
    put(META, "01", "aa");
    put(CODE, "01", "bb");
    assertThat(store.get(META, key("01"))).isEqualTo(key("aa"));
    assertThat(store.get(CODE, key("01"))).isEqualTo(key("bb"));
    assertThat(store.get(NODES, key("01"))).isNull();
  }

  /** A column is found by its name; how it is used is a hint. */
  @Test
  public void columnsAreFoundByName() {
    put(ACCOUNTS, "01", "aa");
    assertThat(store.get(new Column(ACCOUNTS.name()), key("01"))).isEqualTo(key("aa"));
  }

  /**
   * A column that the store was not opened with is an error, and a batch with one has no effect.
   */
  @Test
  public void unknownColumnsAreRefused() {
    Column unknown = new Column("UNKNOWN");
    assertThatThrownBy(() -> store.get(unknown, key("01")))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("UNKNOWN");
    assertThatThrownBy(() -> store.scan(unknown, key(""), (k, v) -> true))
        .isInstanceOf(IllegalArgumentException.class);
    assertThatThrownBy(() -> store.count(unknown)).isInstanceOf(IllegalArgumentException.class);
    try (Snapshot snapshot = store.snapshot()) {
      assertThatThrownBy(() -> snapshot.get(unknown, key("01")))
          .isInstanceOf(IllegalArgumentException.class);
      assertThatThrownBy(() -> snapshot.count(unknown))
          .isInstanceOf(IllegalArgumentException.class);
    }
    WriteBatch batch = new WriteBatch();
    batch.put(META, key("01"), key("aa"));
    batch.put(unknown, key("01"), key("aa"));
    assertThatThrownBy(() -> store.write(batch))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("UNKNOWN");
    assertThat(store.get(META, key("01"))).isNull();
    put(META, "02", "bb");
    assertThat(keys(store, META, "")).containsExactly("02");
  }

  /**
   * Keys are ordered by unsigned bytes; a prefix comes first; a scan starts at its bound and stops
   * when the visitor returns false.
   */
  @Test
  public void scansAreInUnsignedOrder() {
    for (String k : List.of("ff", "00", "7f", "80", "0000", "8001", "")) {
      put(ACCOUNTS, k, "01");
    }
    assertThat(keys(store, ACCOUNTS, ""))
        .containsExactly("", "00", "0000", "7f", "80", "8001", "ff");
    assertThat(keys(store, ACCOUNTS, "7f01")).containsExactly("80", "8001", "ff");
    List<byte[]> first = new ArrayList<>();
    store.scan(
        ACCOUNTS,
        new byte[0],
        (k, v) -> {
          first.add(k);
          return false;
        });
    assertThat(first).hasSize(1);
  }

  /** Within a batch the last write of a key wins. */
  @Test
  public void laterWritesInABatchWin() {
    WriteBatch batch = new WriteBatch();
    batch.put(META, key("01"), key("aa"));
    batch.delete(META, key("01"));
    batch.put(META, key("01"), key("bb"));
    batch.put(META, key("02"), key("cc"));
    batch.delete(META, key("02"));
    store.write(batch);
    assertThat(store.get(META, key("01"))).isEqualTo(key("bb"));
    assertThat(store.get(META, key("02"))).isNull();
    assertThat(store.count(META)).isEqualTo(1);
  }

  /** Empty values and large values are kept. */
  @Test
  public void valuesOfAnySize() {
    put(META, "01", "");
    byte[] large = new byte[3_000_000];
    new Random(1).nextBytes(large);
    for (Column column : List.of(BODIES, NODES)) {
      WriteBatch batch = new WriteBatch();
      batch.put(column, key("02"), large.clone());
      store.write(batch);
      assertThat(Arrays.equals(store.get(column, key("02")), large)).isTrue();
    }
    assertThat(store.get(META, key("01"))).isEmpty();
  }

  /** A reader may change the value that it was given. */
  @Test
  public void valuesBelongToTheCaller() {
    put(META, "01", "aa");
    store.get(META, key("01"))[0] = 0;
    assertThat(store.get(META, key("01"))).isEqualTo(key("aa"));
  }

  /** A snapshot stays as it was, in reads, scans and counts. */
  @Test
  public void snapshotsDoNotMove() {
    put(META, "01", "aa");
    put(META, "03", "cc");
    try (Snapshot snapshot = store.snapshot()) {
      WriteBatch batch = new WriteBatch();
      batch.put(META, key("01"), key("ff"));
      batch.put(META, key("02"), key("bb"));
      batch.delete(META, key("03"));
      store.write(batch);
      assertThat(snapshot.get(META, key("01"))).isEqualTo(key("aa"));
      assertThat(snapshot.get(META, key("02"))).isNull();
      assertThat(snapshot.get(META, key("03"))).isEqualTo(key("cc"));
      assertThat(keys(snapshot, META, "")).containsExactly("01", "03");
      assertThat(snapshot.count(META)).isEqualTo(2);
    }
    assertThat(keys(store, META, "")).containsExactly("01", "02");
  }

  /**
   * A snapshot that stays open while much changes is as it was, or expired: it never shows later
   * writes, and its store goes on.
   */
  @Test
  public void oldSnapshotsAreRightOrExpired() {
    Random random = new Random(5);
    int entries = 2_000;
    WriteBatch first = new WriteBatch();
    for (int i = 0; i < entries; i++) {
      first.put(ACCOUNTS, key(String.format("%04x", i)), key("00"));
    }
    store.write(first);
    try (Snapshot old = store.snapshot();
        Snapshot second = store.snapshot()) {
      for (int round = 0; round < 12; round++) {
        WriteBatch batch = new WriteBatch();
        for (int i = 0; i < entries; i++) {
          byte[] value = new byte[4_000];
          random.nextBytes(value);
          batch.put(ACCOUNTS, key(String.format("%04x", i)), value);
          batch.put(NODES, key(String.format("%02x%04x", round, i)), value);
          batch.delete(NODES, key(String.format("%02x%04x", round - 1 & 0xff, i)));
        }
        store.write(batch);
      }
      for (Snapshot snapshot : List.of(old, second)) {
        try {
          assertThat(keys(snapshot, ACCOUNTS, "")).hasSize(entries);
          assertThat(snapshot.get(ACCOUNTS, key("0000"))).isEqualTo(key("00"));
          assertThat(snapshot.count(NODES)).isZero();
          assertThat(snapshot.get(NODES, key("0b0000"))).isNull();
        } catch (SnapshotExpiredException expired) {
          assertThat(expired).hasMessageContaining("expired");
        }
      }
      put(META, "01", "aa");
      try (Snapshot young = store.snapshot()) {
        put(META, "01", "bb");
        assertThat(young.get(META, key("01"))).isEqualTo(key("aa"));
      }
    }
  }

  /**
   * A long random history of batches ends in the content of a plain map, also after closing when
   * durable.
   */
  @Test
  public void agreesWithAMap() throws Exception {
    Random random = new Random(7);
    Map<String, String> expected = new TreeMap<>();
    for (int round = 0; round < 100; round++) {
      WriteBatch batch = new WriteBatch();
      for (int i = 0; i < 40; i++) {
        String k = String.format("%04x", random.nextInt(600));
        if (random.nextInt(3) == 0) {
          batch.delete(ACCOUNTS, key(k));
          expected.remove(k);
        } else {
          String v = String.format("%08x", random.nextInt());
          batch.put(ACCOUNTS, key(k), key(v));
          expected.put(k, v);
        }
      }
      store.write(batch);
    }
    if (backend.isDurable()) {
      store.close();
      store = backend.open(folder(), COLUMNS, false);
    }
    assertThat(keys(store, ACCOUNTS, "")).containsExactlyElementsOf(expected.keySet());
    expected.forEach((k, v) -> assertThat(store.get(ACCOUNTS, key(k))).isEqualTo(key(v)));
  }

  /**
   * A reader never sees a part of a batch: two keys written together are equal in every snapshot.
   */
  @Test
  public void batchesAreAtomicForReaders() throws Exception {
    put(META, "01", "00000000");
    put(META, "02", "00000000");
    AtomicBoolean running = new AtomicBoolean(true);
    AtomicReference<String> difference = new AtomicReference<>();
    Thread reader =
        new Thread(
            () -> {
              while (running.get() && difference.get() == null) {
                try (Snapshot snapshot = store.snapshot()) {
                  byte[] a = snapshot.get(META, key("01"));
                  byte[] b = snapshot.get(META, key("02"));
                  if (!Arrays.equals(a, b)) {
                    difference.set(Arrays.toString(a) + " " + Arrays.toString(b));
                  }
                }
              }
            },
            "tck-reader");
    reader.start();
    for (int i = 1; i < 300; i++) {
      WriteBatch batch = new WriteBatch();
      batch.put(META, key("01"), key(String.format("%08x", i)));
      batch.put(META, key("02"), key(String.format("%08x", i)));
      store.write(batch);
    }
    running.set(false);
    reader.join();
    assertThat(difference.get()).isNull();
  }

  /**
   * A batch that fails while it is written has no effect, or closes the store for all further
   * calls; after a durable store is opened again, all of the batch is there or none of it. Each
   * failure is thrown where the store reads an entry of the batch, at each of the entries.
   */
  @Test
  public void aBatchThatFailsIsNotHalfWritten() throws Exception {
    List<IntFunction<Throwable>> failures =
        List.of(
            at -> new OutOfMemoryError("entry " + at),
            at -> new StackOverflowError("entry " + at),
            at -> new NoClassDefFoundError("entry " + at),
            at -> new InternalError("entry " + at),
            at -> new IllegalStateException("entry " + at));
    int round = 0;
    for (IntFunction<Throwable> failure : failures) {
      for (int at = 0; at < 4; at++) {
        for (int reads = 0; reads < 3; reads++) {
          String before = String.format("%04x", ++round);
          WriteBatch good = new WriteBatch();
          WriteBatch bad = new WriteBatch();
          for (String k : List.of("01", "02", "03", "04")) {
            good.put(META, key(k), key(before));
            bad.put(META, key(k), key("ffff"));
          }
          store.write(good);
          FailingBatches.fail(bad, at, reads, failure.apply(at));
          String expected = before;
          try {
            store.write(bad);
            assertThat(reads).as("a read that fails is no success").isPositive();
            expected = "ffff";
          } catch (Throwable failed) {
            assertThat(failed).isNotInstanceOf(AssertionError.class);
          }
          assertUnchangedOrClosed(expected);
        }
      }
    }
  }

  /** A null key or entry, a fault of the caller's, has the same effect. */
  @Test
  public void aMalformedBatchIsNotHalfWritten() throws Exception {
    for (WriteBatch.Entry malformed :
        Arrays.asList(
            new WriteBatch.Entry(META, null, key("ffff")),
            new WriteBatch.Entry(META, null, null),
            new WriteBatch.Entry(null, key("05"), key("ffff")),
            null)) {
      WriteBatch good = new WriteBatch();
      WriteBatch bad = new WriteBatch();
      for (String k : List.of("01", "02")) {
        good.put(META, key(k), key("aa"));
        bad.put(META, key(k), key("ffff"));
      }
      store.write(good);
      bad.entries().add(malformed);
      assertThatThrownBy(() -> store.write(bad)).isNotNull();
      assertUnchangedOrClosed("aa");
    }
  }

  /** At the end of a thread's stack a batch is written whole or not at all. */
  @Test
  public void aBatchAtTheEndOfTheStackIsNotHalfWritten() throws Exception {
    WriteBatch good = new WriteBatch();
    WriteBatch bad = new WriteBatch();
    for (String k : List.of("01", "02", "03", "04")) {
      good.put(META, key(k), key("aa"));
      bad.put(META, key(k), key("ffff"));
    }
    store.write(good);
    AtomicBoolean written = new AtomicBoolean();
    Thread thread =
        new Thread(
            null,
            () -> written.set(writeAtTheEnd(store, bad, 1_000_000)),
            "tck-end-of-stack",
            512 << 10);
    thread.start();
    thread.join();
    if (written.get()) {
      for (String k : List.of("01", "02", "03", "04")) {
        assertThat(store.get(META, key(k))).isEqualTo(key("ffff"));
      }
    } else {
      assertUnchangedOrClosed("aa");
    }
  }

  /** Writes with the least stack that suffices or fails; returns whether the batch was written. */
  private static boolean writeAtTheEnd(KeyValueStore store, WriteBatch batch, int depth) {
    if (depth == 0) {
      return false;
    }
    try {
      return writeAtTheEnd(store, batch, depth - 1);
    } catch (StackOverflowError end) {
      try {
        store.write(batch);
        return true;
      } catch (StorageException | StackOverflowError failed) {
        if (failed instanceof StorageException) {
          return false;
        }
        throw failed;
      }
    }
  }

  private void assertUnchangedOrClosed(String expected) throws Exception {
    try {
      assertThat(keys(store, META, "")).allMatch(k -> "01020304".contains(k));
      store.scan(
          META,
          new byte[0],
          (k, v) -> {
            assertThat(v).isEqualTo(key(expected));
            return true;
          });
      put(CODE, "01", "aa");
      assertThat(store.get(CODE, key("01"))).isEqualTo(key("aa"));
      assertThat(failures).as("reported").isEmpty();
    } catch (StorageException closed) {
      assertClosed(store);
      assertThat(failures).as("a store that closes itself reports it, once").hasSize(1);
      List<String> late = listen(store);
      assertThat(late).as("the listener before was notified").isEmpty();
      store.close();
      store = backend.open(folder(), COLUMNS, !backend.isDurable());
      List<String> values = new ArrayList<>();
      store.scan(META, new byte[0], (k, v) -> values.add(HexFormat.of().formatHex(v)));
      if (backend.isDurable()) {
        assertThat(values).isNotEmpty();
      }
      assertThat(values.stream().distinct()).hasSizeLessThanOrEqualTo(1);
      failures = listen(store);
    }
  }

  /** Sets a listener; returns what it gets. */
  private static List<String> listen(KeyValueStore store) {
    List<String> failures = new CopyOnWriteArrayList<>();
    store.setListener(
        new StoreListener() {
          @Override
          public void failed(String reason) {
            failures.add(reason);
          }

          @Override
          public void damaged(String reason) {
            failures.add("damaged: " + reason);
          }
        });
    return failures;
  }

  private static void assertClosed(KeyValueStore store) {
    assertThatThrownBy(() -> store.get(META, key("01"))).isInstanceOf(StorageException.class);
    assertThatThrownBy(() -> store.scan(META, key(""), (k, v) -> true))
        .isInstanceOf(StorageException.class);
    assertThatThrownBy(() -> store.count(META)).isInstanceOf(StorageException.class);
    assertThatThrownBy(() -> put(store, META, "01", "bb")).isInstanceOf(StorageException.class);
    assertThatThrownBy(store::flush).isInstanceOf(StorageException.class);
    assertThatThrownBy(store::snapshot).isInstanceOf(StorageException.class);
  }

  /** Calls after {@code close} fail, on snapshots too; to close twice is allowed. */
  @Test
  public void callsAfterCloseFail() {
    put(META, "01", "aa");
    Snapshot snapshot = store.snapshot();
    store.close();
    assertClosed(store);
    assertThat(failures).as("to be closed is no failure").isEmpty();
    assertThatThrownBy(() -> snapshot.get(META, key("01"))).isInstanceOf(StorageException.class);
    assertThatThrownBy(() -> snapshot.scan(META, key(""), (k, v) -> true))
        .isInstanceOf(StorageException.class);
    snapshot.close();
    snapshot.close();
    store.close();
  }

  /** Reads of a snapshot that is closed fail. */
  @Test
  public void aClosedSnapshotIsNotRead() {
    put(META, "01", "aa");
    Snapshot snapshot = store.snapshot();
    snapshot.close();
    assertThatThrownBy(() -> snapshot.get(META, key("01"))).isInstanceOf(StorageException.class);
    assertThatThrownBy(() -> snapshot.scan(META, key(""), (k, v) -> true))
        .isInstanceOf(StorageException.class);
    assertThat(store.get(META, key("01"))).isEqualTo(key("aa"));
  }

  /** A read that is under way when the store is closed ends well, or fails cleanly. */
  @Test
  public void closeWaitsForReads() throws Exception {
    WriteBatch entries = new WriteBatch();
    for (int i = 0; i < 2_000; i++) {
      entries.put(ACCOUNTS, key(String.format("%04x", i)), key("aa"));
    }
    store.write(entries);
    CountDownLatch reading = new CountDownLatch(1);
    AtomicReference<Throwable> wrong = new AtomicReference<>();
    List<Thread> readers = new ArrayList<>();
    for (int i = 0; i < 3; i++) {
      Thread reader =
          new Thread(
              () -> {
                try {
                  while (true) {
                    long[] count = {0};
                    store.scan(ACCOUNTS, new byte[0], (k, v) -> ++count[0] > 0);
                    assertThat(count[0]).isEqualTo(2_000);
                    assertThat(store.get(ACCOUNTS, key("0001"))).isEqualTo(key("aa"));
                    reading.countDown();
                  }
                } catch (StorageException closed) {
                  reading.countDown();
                } catch (Throwable failure) {
                  wrong.set(failure);
                  reading.countDown();
                }
              },
              "tck-reader-" + i);
      reader.start();
      readers.add(reader);
    }
    reading.await();
    store.close();
    for (Thread reader : readers) {
      reader.join();
    }
    assertThat(wrong.get()).isNull();
  }

  /** {@code flush} may be called at any time, also without writes, and keeps the content. */
  @Test
  public void flushKeepsTheContent() throws Exception {
    store.flush();
    put(META, "01", "aa");
    store.flush();
    store.flush();
    assertThat(store.get(META, key("01"))).isEqualTo(key("aa"));
    if (backend.isDurable()) {
      store.close();
      store = backend.open(folder(), COLUMNS, false);
      assertThat(store.get(META, key("01"))).isEqualTo(key("aa"));
    }
  }

  /** Two stores of a backend are open at once, with columns of their own. */
  @Test
  public void storesAreSeparate() throws Exception {
    Column own = new Column("own-1");
    Path folder = folder().resolveSibling("deeper").resolve("second");
    KeyValueStore second = backend.open(folder, List.of(own, META), true);
    put(META, "01", "aa");
    put(second, META, "01", "bb");
    put(second, own, "02", "cc");
    second.flush();
    assertThat(store.get(META, key("01"))).isEqualTo(key("aa"));
    assertThat(second.get(META, key("01"))).isEqualTo(key("bb"));
    assertThatThrownBy(() -> store.get(own, key("02")))
        .isInstanceOf(IllegalArgumentException.class);
    store.close();
    assertThat(second.get(own, key("02"))).isEqualTo(key("cc"));
    if (backend.isDurable()) {
      second.close();
      second = backend.open(folder, List.of(META, own), false);
      assertThat(second.get(own, key("02"))).isEqualTo(key("cc"));
    }
    second.close();
  }

  /** A backend that is deactivated closes its stores and opens no more; a new one opens them. */
  @Test
  public void deactivateCloses() throws Exception {
    put(META, "01", "aa");
    KeyValueStore second = backend.open(folder().resolveSibling("second"), COLUMNS, true);
    deactivate(backend);
    assertClosed(store);
    assertClosed(second);
    assertThatThrownBy(() -> backend.open(folder(), COLUMNS, true))
        .isInstanceOf(StorageException.class);
    backend = activate();
    store = backend.open(folder(), COLUMNS, true);
    assertThat(store.get(META, key("01"))).isEqualTo(backend.isDurable() ? key("aa") : null);
  }

  /** A folder is open once; the second opener is refused and the first goes on. */
  @Test
  public void aStoreIsOpenOnce() throws Exception {
    if (backend.isDurable()) {
      put(META, "01", "aa");
      assertThatThrownBy(() -> backend.open(folder(), COLUMNS, true))
          .isInstanceOf(StorageException.class)
          .hasMessageContaining("in use");
      StorageBackend other = activate();
      try {
        assertThatThrownBy(() -> other.open(folder(), COLUMNS, true))
            .isInstanceOf(StorageException.class)
            .hasMessageContaining("in use");
      } finally {
        deactivate(other);
      }
      put(META, "02", "bb");
      assertThat(store.get(META, key("01"))).isEqualTo(key("aa"));
    }
  }

  /** Without {@code create}, a store that does not exist is an error and no file is made. */
  @Test
  public void aMissingStoreIsNotCreated() throws Exception {
    Path missing = folder().resolveSibling("missing");
    assertThatThrownBy(() -> backend.open(missing, COLUMNS, false))
        .isInstanceOf(StorageException.class);
    assertThat(missing).doesNotExist();
    Files.createDirectory(missing);
    assertThatThrownBy(() -> backend.open(missing, COLUMNS, false))
        .isInstanceOf(StorageException.class);
    assertThat(missing).isEmptyDirectory();
  }

  /**
   * Without {@code create}, a column that does not exist is an error that names it, and the store
   * is as before; with {@code create} the column is created.
   */
  @Test
  public void aMissingColumnIsNamed() throws Exception {
    if (!backend.isDurable()) {
      return;
    }
    put(META, "01", "aa");
    store.close();
    List<Column> more = new ArrayList<>(COLUMNS);
    more.add(new Column("ADDED"));
    assertThatThrownBy(() -> backend.open(folder(), more, false))
        .isInstanceOf(StorageException.class)
        .hasMessageContaining("ADDED")
        .hasMessageContaining("incomplete");
    store = backend.open(folder(), COLUMNS, false);
    assertThat(store.get(META, key("01"))).isEqualTo(key("aa"));
    store.close();
    store = backend.open(folder(), more, true);
    assertThat(store.get(META, key("01"))).isEqualTo(key("aa"));
    assertThat(store.count(new Column("ADDED"))).isZero();
  }

  /** A column that exists and is not asked for is an error that names it. */
  @Test
  public void anUnknownColumnIsNamed() throws Exception {
    if (!backend.isDurable()) {
      return;
    }
    put(META, "01", "aa");
    store.close();
    for (boolean create : new boolean[] {false, true}) {
      assertThatThrownBy(() -> backend.open(folder(), List.of(META, CODE, ACCOUNTS), create))
          .isInstanceOf(StorageException.class)
          .hasMessageContaining(NODES.name())
          .hasMessageContaining(BODIES.name());
    }
    store = backend.open(folder(), COLUMNS, false);
    assertThat(store.get(META, key("01"))).isEqualTo(key("aa"));
  }

  /** A store that lost one of its files is refused, or reads fail: it is never empty. */
  @Test
  public void aStoreWithoutOneOfItsFilesIsNotEmpty() throws Exception {
    if (!backend.isDurable()) {
      return;
    }
    for (Column column : COLUMNS) {
      put(column, "01", "aa".repeat(3_000));
    }
    store.close();
    for (Path file : files(folder())) {
      Path copy = folder().resolveSibling("without-" + file.getFileName());
      copy(folder(), copy);
      Files.delete(copy.resolve(file.getFileName()));
      for (boolean create : new boolean[] {false, true}) {
        try (KeyValueStore opened = backend.open(copy, COLUMNS, create)) {
          for (Column column : COLUMNS) {
            assertThat(opened.get(column, key("01")))
                .as(file + " " + column)
                .isEqualTo(key("aa".repeat(3_000)));
          }
        } catch (StorageException refused) {
          assertThat(refused).hasMessageContaining(copy.toString());
        }
      }
    }
    store = backend.open(folder(), COLUMNS, false);
  }

  private static List<Path> files(Path folder) throws IOException {
    try (Stream<Path> files = Files.list(folder)) {
      return files.filter(Files::isRegularFile).sorted().toList();
    }
  }

  private static void copy(Path from, Path to) throws IOException {
    Files.createDirectories(to);
    for (Path file : files(from)) {
      try {
        Files.copy(file, to.resolve(file.getFileName()));
      } catch (IOException failure) {
        throw new UncheckedIOException(failure);
      }
    }
  }
}
