// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.storage.rocksdb;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.patchbay.api.storage.KeyValueStore;
import dev.patchbay.api.storage.StorageBackend;
import dev.patchbay.api.storage.StorageException;
import dev.patchbay.api.storage.WriteBatch;
import dev.patchbay.storage.tck.KeyValueStoreContract;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

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
}
