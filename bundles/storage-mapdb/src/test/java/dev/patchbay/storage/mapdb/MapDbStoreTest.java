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
import java.util.List;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.atomic.AtomicBoolean;
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

  @Test
  void theOldestSnapshotExpires() {
    MapDbStore small = new MapDbStore(folder.resolve("small"), COLUMNS, true, store -> {}, 100_000);
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

  /** So do pages that are read: until the file is mapped anew, with every 32 MB of commits. */
  @Test
  @EnabledOnOs(OS.LINUX)
  void pagesThatWereReadDoNotStayMemoryOfTheProcess() throws Exception {
    try (KeyValueStore store = open(folder.resolve("read"))) {
      for (int i = 0; i < 64; i++) {
        putMegabyte(store, i);
      }
      long before = residentFileBytes();
      for (int i = 0; i < 64; i++) {
        store.get(ACCOUNTS, new byte[] {2, (byte) i});
      }
      assertThat(residentFileBytes() - before).isGreaterThan(48 << 20);
      for (int i = 0; i < 34; i++) {
        putMegabyte(store, i);
      }
      assertThat(residentFileBytes() - before).isLessThan(16 << 20);
      for (int i = 0; i < 64; i++) {
        assertThat(store.get(ACCOUNTS, new byte[] {2, (byte) i})).hasSize(1 << 20);
      }
    }
  }

  /** Readers find what they look for while the file is mapped anew under them. */
  @Test
  void readersGoOnWhileTheFileIsMappedAnew() throws Exception {
    try (KeyValueStore store = open(folder.resolve("busy"))) {
      for (int i = 0; i < 16; i++) {
        putMegabyte(store, i);
      }
      AtomicBoolean writing = new AtomicBoolean(true);
      ExecutorService threads = Executors.newFixedThreadPool(3);
      try {
        List<Future<Long>> readers = new ArrayList<>();
        for (int i = 0; i < 3; i++) {
          readers.add(threads.submit(() -> read(store, writing)));
        }
        for (int i = 0; i < 160; i++) {
          putMegabyte(store, i % 16);
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

  private static long read(KeyValueStore store, AtomicBoolean writing) {
    long passes = 0;
    do {
      try (Snapshot snapshot = store.snapshot()) {
        snapshot.get(ACCOUNTS, new byte[] {2, (byte) (passes % 16)});
      }
      int[] entries = {0};
      store.scan(
          ACCOUNTS,
          new byte[] {2},
          (key, value) -> {
            assertThat(value).hasSize(1 << 20);
            entries[0]++;
            return true;
          });
      assertThat(entries[0]).isEqualTo(16);
      passes++;
    } while (writing.get());
    return passes;
  }

  private static void putMegabyte(KeyValueStore store, int key) {
    WriteBatch batch = new WriteBatch();
    batch.put(ACCOUNTS, new byte[] {2, (byte) key}, new byte[1 << 20]);
    store.write(batch);
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
