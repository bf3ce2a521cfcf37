// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.storage.rocksdb;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.patchbay.api.storage.Column;
import dev.patchbay.api.storage.KeyValueStore;
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
  protected KeyValueStore open() {
    return new RocksDbStore(folder.resolve("store"));
  }

  @Override
  protected void close(KeyValueStore store) {
    ((RocksDbStore) store).close();
  }

  @Test
  void aSecondOpenerIsRefused() {
    Path other = folder.resolve("other");
    RocksDbStore first = new RocksDbStore(other);
    assertThat(first.count(Column.META)).isZero();
    RocksDbStore second = new RocksDbStore(other);
    assertThatThrownBy(() -> second.count(Column.META))
        .isInstanceOf(StorageException.class)
        .hasMessageContaining("in use by another process");
    first.close();
  }

  @Test
  void aStoreThatIsNotUsedHasNoFiles() {
    Path other = folder.resolve("unused");
    new RocksDbStore(other).close();
    assertThat(other).doesNotExist();
  }

  @Test
  void damagedFilesAreRefused() throws Exception {
    Path other = folder.resolve("damaged");
    RocksDbStore store = new RocksDbStore(other);
    WriteBatch batch = new WriteBatch();
    batch.put(Column.META, new byte[] {1}, new byte[] {2});
    store.write(batch);
    store.close();
    List<Path> manifests;
    try (Stream<Path> files = Files.list(other)) {
      manifests = files.filter(f -> f.getFileName().toString().startsWith("MANIFEST")).toList();
    }
    Files.write(manifests.get(0), new byte[100]);
    RocksDbStore again = new RocksDbStore(other);
    assertThatThrownBy(() -> again.get(Column.META, new byte[] {1}))
        .isInstanceOf(StorageException.class)
        .hasMessageContaining("damaged")
        .hasMessageContaining("backup");
  }
}
