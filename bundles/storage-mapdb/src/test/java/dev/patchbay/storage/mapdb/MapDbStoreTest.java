// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.storage.mapdb;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.patchbay.api.storage.KeyValueStore;
import dev.patchbay.api.storage.StorageBackend;
import dev.patchbay.api.storage.StorageException;
import dev.patchbay.api.storage.WriteBatch;
import dev.patchbay.storage.tck.KeyValueStoreContract;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import org.junit.jupiter.api.Test;
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
