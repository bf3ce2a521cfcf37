// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.storage.mapdb;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.patchbay.api.storage.KeyValueStore;
import dev.patchbay.api.storage.Snapshot;
import dev.patchbay.api.storage.StorageBackend;
import dev.patchbay.api.storage.StorageException;
import dev.patchbay.api.storage.WriteBatch;
import dev.patchbay.storage.tck.KeyValueStoreContract;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Function;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.EnabledOnOs;
import org.junit.jupiter.api.condition.OS;
import org.junit.jupiter.api.io.TempDir;

class MapDbStoreTest extends KeyValueStoreContract {
  @TempDir Path folder;

  @Override
  protected StorageBackend activate() {
    return new MapDbBackend();
  }

  @Override
  protected void deactivate(StorageBackend backend) {
    ((MapDbBackend) backend).deactivate();
  }

  private KeyValueStore open(Path other) {
    return backend().open(other, COLUMNS, true);
  }

  /** The node opens the store again by itself, in this process. */
  @Test
  void aStoreWithoutAThreadLeavesItsFolderUnlocked() {
    Path path = folder.resolve("threadless");
    AtomicInteger closed = new AtomicInteger();
    Function<Runnable, Thread> none =
        body ->
            new Thread(body) {
              @Override
              public void start() {
                throw new OutOfMemoryError("unable to create native thread");
              }
            };
    assertThatThrownBy(
            () ->
                new MapDbStore(
                    path,
                    COLUMNS,
                    true,
                    store -> closed.incrementAndGet(),
                    32 << 20,
                    16 << 20,
                    none))
        .isInstanceOf(OutOfMemoryError.class);
    assertThat(closed).hasValue(1);
    try (KeyValueStore next = open(path)) {
      assertThat(next.isEmpty(ACCOUNTS)).isTrue();
    }
  }

  @Test
  void theOldestSnapshotExpires() {
    MapDbStore small =
        new MapDbStore(
            folder.resolve("small"), COLUMNS, true, store -> {}, 100_000, 192 << 20, Thread::new);
    try (small) {
      put(small, 0);
      Snapshot old = small.snapshot();
      put(small, 1);
      Snapshot young = small.snapshot();
      assertThat(old.get(ACCOUNTS, new byte[] {0})).isEqualTo(new byte[] {0});
      put(small, 2);
      assertThatThrownBy(() -> old.get(ACCOUNTS, new byte[] {0}))
          .isInstanceOf(StorageException.class)
          .hasMessageContaining("expired");
      assertThatThrownBy(() -> old.scan(ACCOUNTS, new byte[0], (k, v) -> true))
          .isInstanceOf(StorageException.class)
          .hasMessageContaining("expired");
      assertThat(young.get(ACCOUNTS, new byte[] {0})).isEqualTo(new byte[] {1});
      old.close();
      young.close();
      try (Snapshot next = small.snapshot()) { // what closed snapshots kept is free again
        put(small, 3);
        assertThat(next.get(ACCOUNTS, new byte[] {0})).isEqualTo(new byte[] {2});
      }
    }
  }

  /** Replaces values: those of a round are 60 kB. */
  private static void put(KeyValueStore store, int round) {
    WriteBatch batch = new WriteBatch();
    batch.put(ACCOUNTS, new byte[] {0}, new byte[] {(byte) round});
    batch.put(ACCOUNTS, new byte[] {1}, new byte[60_000]);
    store.write(batch);
  }

  /** Pages of a mapped file count as memory of the process once they are written through it. */
  @Test
  @EnabledOnOs(OS.LINUX)
  void pagesThatAreOnlyWrittenAreNotMemoryOfTheProcess() throws Exception {
    try (KeyValueStore store = open(folder.resolve("written"))) {
      put(store, 0);
      long before = residentFileBytes();
      for (int i = 0; i < 64; i++) {
        putMegabyte(store, i);
      }
      assertThat(residentFileBytes() - before).isLessThan(16 << 20);
    }
  }

  /** Opens a store that releases pages beyond 16 MB. */
  private MapDbStore openSmall(String name) {
    return new MapDbStore(
        folder.resolve(name), COLUMNS, true, store -> {}, 32 << 20, 16 << 20, Thread::new);
  }

  /** So do pages that are read, until they are released, which takes no write. */
  @Test
  @EnabledOnOs(OS.LINUX)
  void pagesThatWereReadDoNotStayMemoryOfTheProcess() throws Exception {
    try (KeyValueStore store = openSmall("read")) {
      for (int i = 0; i < 64; i++) {
        putMegabyte(store, i);
      }
      long before = residentFileBytes();
      for (int i = 0; i < 64; i++) {
        assertMegabyte(i, store.get(ACCOUNTS, new byte[] {2, (byte) i}));
      }
      assertFewResidentBytesSince(before);
      assertThat(countMegabytes(store)).isEqualTo(64); // reads all of them once more
      assertFewResidentBytesSince(before);
    }
  }

  /** A steady load does not let the process grow with the file. */
  @Test
  @EnabledOnOs(OS.LINUX)
  void pagesThatWereReadAreReleasedSoon() throws Exception {
    try (KeyValueStore store = open(folder.resolve("steady"))) {
      for (int i = 0; i < 64; i++) {
        putMegabyte(store, i);
      }
      long before = residentFileBytes();
      assertThat(countMegabytes(store)).isEqualTo(64);
      assertFewResidentBytesSince(before);
    }
  }

  /** Waits for the thread that releases pages. */
  private static void assertFewResidentBytesSince(long before) throws Exception {
    long start = System.nanoTime();
    while (residentFileBytes() - before >= 32 << 20
        && System.nanoTime() - start < 10_000_000_000L) {
      Thread.onSpinWait();
    }
    assertThat(residentFileBytes() - before).isLessThan(32 << 20);
  }

  /** An interrupt while a file is mapped closes it: the reader must not be the one that maps. */
  @Test
  void anInterruptedReaderDoesNotCloseTheFile() throws Exception {
    try (KeyValueStore store = openSmall("interrupted")) {
      for (int i = 0; i < 64; i++) {
        putMegabyte(store, i);
      }
      ExecutorService thread = Executors.newSingleThreadExecutor();
      try {
        Future<Long> entries =
            thread.submit(
                () -> {
                  Thread.currentThread().interrupt();
                  return countMegabytes(store);
                });
        assertThat(entries.get()).isEqualTo(64);
      } finally {
        thread.shutdown();
      }
      putMegabyte(store, 1);
      assertMegabyte(1, store.get(ACCOUNTS, new byte[] {2, 1}));
    }
  }

  /** Readers find what they look for while pages are released under them. */
  @Test
  void readersGoOnWhilePagesAreReleased() throws Exception {
    try (KeyValueStore store = openSmall("busy")) {
      for (int i = 0; i < 64; i++) {
        putMegabyte(store, i);
      }
      AtomicBoolean writing = new AtomicBoolean(true);
      ExecutorService threads = Executors.newFixedThreadPool(6);
      try {
        List<Future<Long>> readers = new ArrayList<>();
        for (int i = 0; i < 3; i++) {
          readers.add(threads.submit(() -> scan(store, writing)));
          int seed = i;
          readers.add(threads.submit(() -> get(store, writing, new Random(seed))));
        }
        for (int i = 0; i < 160; i++) {
          putMegabyte(store, i % 64);
        }
        writing.set(false);
        for (Future<Long> reader : readers) {
          assertThat(reader.get()).isPositive();
        }
      } finally {
        writing.set(false);
        threads.shutdown();
      }
    }
  }

  private static long scan(KeyValueStore store, AtomicBoolean writing) {
    long passes = 0;
    do {
      assertThat(countMegabytes(store)).isEqualTo(64);
      try (Snapshot snapshot = store.snapshot()) {
        assertThat(snapshot.count(ACCOUNTS)).isEqualTo(64);
      }
      passes++;
    } while (writing.get());
    return passes;
  }

  private static long get(KeyValueStore store, AtomicBoolean writing, Random random) {
    long passes = 0;
    do {
      int key = random.nextInt(64);
      assertMegabyte(key, store.get(ACCOUNTS, new byte[] {2, (byte) key}));
      passes++;
    } while (writing.get());
    return passes;
  }

  /** Checks the values of {@link #putMegabyte}; returns how many there are. */
  private static long countMegabytes(KeyValueStore store) {
    long[] entries = {0};
    store.scan(
        ACCOUNTS,
        new byte[] {2},
        (key, value) -> {
          assertMegabyte(key[1], value);
          entries[0]++;
          return true;
        });
    return entries[0];
  }

  private static void putMegabyte(KeyValueStore store, int key) {
    WriteBatch batch = new WriteBatch();
    batch.put(ACCOUNTS, new byte[] {2, (byte) key}, megabyte(key));
    store.write(batch);
  }

  private static byte[] megabyte(int key) {
    byte[] value = new byte[1 << 20];
    Arrays.fill(value, (byte) (key + 1));
    return value;
  }

  private static void assertMegabyte(int key, byte[] value) {
    assertThat(Arrays.equals(value, megabyte(key))).as("value " + key).isTrue();
  }

  /** Returns how many bytes of mapped files this process has in memory. */
  private static long residentFileBytes() throws Exception {
    String status = Files.readString(Path.of("/proc/self/status"));
    String line = status.lines().filter(l -> l.startsWith("RssFile:")).findFirst().orElseThrow();
    return 1_024 * Long.parseLong(line.replaceAll("\\D", ""));
  }

  /** Each commit is in the journal; a changed bit in one is not taken for its end. */
  @Test
  void aJournalWithAChangedBitIsRefused() throws Exception {
    Path other = folder.resolve("journal");
    Path killed = Files.createDirectories(folder.resolve("killed"));
    try (KeyValueStore store = open(other)) {
      for (int i = 0; i < 4; i++) {
        put(store, i);
      }
      for (String file : new String[] {"chain.mapdb", "chain.mapdb.journal"}) {
        Files.copy(other.resolve(file), killed.resolve(file));
      }
    }
    Path journal = killed.resolve("chain.mapdb.journal");
    byte[] whole = Files.readAllBytes(journal);
    for (int at : new int[] {0, 1, 2, 3, 4, 8, 11, 12, 5_000, whole.length - 1}) {
      byte[] changed = whole.clone();
      changed[at] ^= 4;
      Files.write(journal, changed);
      assertThatThrownBy(() -> open(killed))
          .as("byte " + at)
          .isInstanceOf(StorageException.class)
          .hasMessageContaining("journal has changed");
      assertThat(journal).hasBinaryContent(changed);
    }
    Files.write(journal, whole);
    try (KeyValueStore store = open(killed)) {
      assertThat(store.get(ACCOUNTS, new byte[] {0})).isEqualTo(new byte[] {3});
    }
  }

  @Test
  void aDamagedFileIsRefusedAndLeftAsItIs() throws Exception {
    Path other = folder.resolve("other");
    open(other).close();
    Path file = other.resolve("chain.mapdb");
    Files.write(file, new byte[64], StandardOpenOption.WRITE);
    assertThatThrownBy(() -> open(other))
        .isInstanceOf(StorageException.class)
        .hasMessageContaining("damaged")
        .hasMessageContaining("backup");
  }

  @Test
  void aTruncatedFileIsRefused() throws Exception {
    for (long left : new long[] {0, 100, 70_000, 1 << 20, 3 << 20}) {
      Path other = folder.resolve("truncated-" + left);
      KeyValueStore store = open(other);
      for (int i = 0; i < 50; i++) {
        WriteBatch batch = new WriteBatch();
        for (int j = 0; j < 1_000; j++) {
          byte[] key = java.nio.ByteBuffer.allocate(32).putInt(i * 1_000 + j).array();
          batch.put(ACCOUNTS, key, new byte[100]);
        }
        store.write(batch);
      }
      store.close();
      Path file = other.resolve("chain.mapdb");
      assertThat(Files.size(file)).isGreaterThan(left);
      try (FileChannel channel = FileChannel.open(file, StandardOpenOption.WRITE)) {
        channel.truncate(left);
      }
      assertThatThrownBy(() -> open(other))
          .as("truncated to " + left)
          .isInstanceOf(StorageException.class)
          .hasMessageContaining("damaged");
    }
  }
}
