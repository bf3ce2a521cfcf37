// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.storage.rocksdb;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.patchbay.api.storage.KeyReader;
import dev.patchbay.api.storage.KeyValueStore;
import dev.patchbay.api.storage.Snapshot;
import dev.patchbay.api.storage.StorageBackend;
import dev.patchbay.api.storage.StorageException;
import dev.patchbay.api.storage.StoreListener;
import dev.patchbay.api.storage.WriteBatch;
import dev.patchbay.binding.Failures;
import dev.patchbay.storage.tck.KeyValueStoreContract;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.rocksdb.PerfContext;
import org.rocksdb.PerfLevel;
import org.rocksdb.RocksDB;

class RocksDbStoreTest extends KeyValueStoreContract {
  @TempDir Path folder;

  @Override
  protected StorageBackend activate() {
    return new RocksDbBackend(RocksDbBackend.SYNC_MILLIS);
  }

  @Override
  protected void deactivate(StorageBackend backend) {
    ((RocksDbBackend) backend).deactivate();
  }

  @Test
  void aBackendThatIsNotUsedHasNoFiles() {
    RocksDbBackend unused = new RocksDbBackend(RocksDbBackend.SYNC_MILLIS);
    unused.deactivate();
    assertThat(folder).isEmptyDirectory();
  }

  /** Pruned history leaves deleted keys, which RocksDB passes one by one until it merges files. */
  @Test
  void aScanThatEndsBeforeDeletedKeysPassesNoneOfThem() throws Exception {
    WriteBatch puts = new WriteBatch();
    WriteBatch deletes = new WriteBatch();
    for (int i = 0; i < 1_000; i++) {
      byte[] key = {2, (byte) (i >> 8), (byte) i};
      puts.put(META, key, new byte[] {1});
      deletes.delete(META, key);
    }
    store().write(puts);
    store().write(deletes);
    try (RocksDB counting = RocksDB.open(folder.resolve("counting").toString());
        Snapshot snapshot = store().snapshot()) {
      counting.setPerfLevel(PerfLevel.ENABLE_COUNT); // of this thread
      try (PerfContext counts = counting.getPerfContext()) {
        for (KeyReader reader : List.of(store(), snapshot)) {
          counts.reset();
          reader.scan(META, new byte[] {1}, (key, value) -> true);
          assertThat(counts.getInternalDeleteSkippedCount()).isEqualTo(1_000);
          counts.reset();
          reader.scan(META, new byte[] {1}, new byte[] {2}, (key, value) -> true);
          assertThat(counts.getInternalDeleteSkippedCount()).isZero();
        }
      } finally {
        counting.setPerfLevel(PerfLevel.DISABLE);
      }
    }
  }

  @Test
  void theIntervalHasARange() {
    assertThatThrownBy(() -> new RocksDbBackend(-1))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("dev.patchbay.storage.rocksdb: sync.interval.ms")
        .hasMessageContaining("-1");
  }

  @Test
  void damagedFilesAreRefused() throws Exception {
    Path other = folder.resolve("damaged");
    KeyValueStore store = backend().open(other, COLUMNS, true);
    WriteBatch batch = new WriteBatch();
    batch.put(META, new byte[] {1}, new byte[] {2});
    store.write(batch);
    store.close();
    List<Path> manifests;
    try (Stream<Path> files = Files.list(other)) {
      manifests = files.filter(f -> f.getFileName().toString().startsWith("MANIFEST")).toList();
    }
    Files.write(manifests.get(0), new byte[100]);
    assertThatThrownBy(() -> backend().open(other, COLUMNS, true))
        .isInstanceOf(StorageException.class)
        .hasMessageContaining("damaged")
        .hasMessageContaining("backup");
  }

  /** The file CURRENT is needed to say what was synced. */
  @Test
  void aStoreThatCannotSyncFailsAndIsOpenedAgain() throws Exception {
    Path other = folder.resolve("unsynced");
    KeyValueStore store = backend().open(other, COLUMNS, true);
    List<String> failures = new ArrayList<>();
    store.setListener(collect(failures, new ArrayList<>()));
    put(store, 1);
    Path away = folder.resolve("away");
    Files.move(other.resolve("CURRENT"), away);
    assertThatThrownBy(store::flush).isInstanceOf(StorageException.class);
    assertThat(failures).singleElement().asString().contains("has failed and is closed", "CURRENT");
    assertThatThrownBy(() -> store.get(META, new byte[] {1})).isInstanceOf(StorageException.class);
    assertThatThrownBy(() -> put(store, 2)).isInstanceOf(StorageException.class);
    assertThat(failures).hasSize(1);
    store.close();
    Files.move(away, other.resolve("CURRENT"));
    try (KeyValueStore again = backend().open(other, COLUMNS, false)) {
      assertThat(again.get(META, new byte[] {1})).isEqualTo(new byte[] {1});
    }
  }

  /** A full disk: the store fails, is opened again, and fails again within seconds. */
  @Test
  void theSameFailureOfSyncsIsLoggedOnceForAFolder() throws Exception {
    Path other = folder.resolve("full");
    List<String> logged = new ArrayList<>();
    Failures syncs = new Failures("syncing", (text, failure) -> logged.add(text), logged::add);
    SharedMemory memory = SharedMemory.allocate();
    try {
      for (int i = 0; i < 3; i++) {
        RocksDbStore store =
            new RocksDbStore(
                other, COLUMNS, i == 0, memory, Long.MAX_VALUE / 2, syncs, closed -> {});
        put(store, i);
        Path away = folder.resolve("away");
        Files.move(other.resolve("CURRENT"), away);
        store.sync();
        assertThat(syncs.latest()).contains("CURRENT");
        store.sync(); // the store has failed, and says so
        store.close();
        Files.move(away, other.resolve("CURRENT"));
      }
    } finally {
      memory.close();
    }
    assertThat(logged).singleElement().asString().contains("syncing failed", "CURRENT");
    RocksDbBackend all = (RocksDbBackend) backend();
    assertThat(all.syncs(other)).isSameAs(all.syncs(other)).isNotSameAs(all.syncs(folder));
  }

  /** A block of a file has a checksum: a read of a changed one fails, and others go on. */
  @Test
  void aReadOfDamagedFilesIsReported() throws Exception {
    Path other = folder.resolve("changed");
    KeyValueStore store = backend().open(other, COLUMNS, true);
    for (int i = 0; i < 100; i++) {
      WriteBatch batch = new WriteBatch();
      batch.put(ACCOUNTS, new byte[] {(byte) i}, new byte[4_000]);
      store.write(batch);
    }
    put(store, 1);
    store.close();
    for (Path file : files(other, ".sst")) {
      byte[] content = Files.readAllBytes(file);
      if (content.length > 10_000) { // the one of many entries; its first block has the first keys
        content[100] ^= 1;
        Files.write(file, content);
      }
    }
    try (KeyValueStore damaged = backend().open(other, COLUMNS, false)) {
      List<String> failures = new ArrayList<>();
      List<String> reports = new ArrayList<>();
      damaged.setListener(collect(failures, reports));
      assertThatThrownBy(() -> damaged.get(ACCOUNTS, new byte[] {0}))
          .isInstanceOf(StorageException.class);
      assertThat(reports).singleElement().asString().contains("could not read from " + other);
      assertThat(damaged.get(META, new byte[] {1})).isEqualTo(new byte[] {1});
      assertThat(failures).isEmpty();
    }
  }

  private static void put(KeyValueStore store, int value) {
    WriteBatch batch = new WriteBatch();
    batch.put(META, new byte[] {1}, new byte[] {(byte) value});
    store.write(batch);
  }

  private static List<Path> files(Path folder, String end) throws IOException {
    try (Stream<Path> files = Files.list(folder)) {
      return files.filter(file -> file.toString().endsWith(end)).toList();
    }
  }

  private static StoreListener collect(List<String> failures, List<String> damages) {
    return new StoreListener() {
      @Override
      public void failed(String reason) {
        failures.add(reason);
      }

      @Override
      public void damaged(String reason) {
        damages.add(reason);
      }
    };
  }
}
