// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.storage.mapdb;

import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.patchbay.api.storage.KeyValueStore;
import dev.patchbay.api.storage.StorageException;
import dev.patchbay.storage.tck.KeyValueStoreContract;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class MapDbStoreTest extends KeyValueStoreContract {
  @TempDir Path folder;

  @Override
  protected KeyValueStore open() {
    return new MapDbStore(folder.resolve("store"));
  }

  @Override
  protected void close(KeyValueStore store) {
    ((MapDbStore) store).close();
  }

  @Test
  void aSecondOpenerIsRefused() {
    assertThatThrownBy(this::open)
        .isInstanceOf(StorageException.class)
        .hasMessageContaining("in use by another process");
  }

  @Test
  void aDamagedFileIsRefusedAndLeftAsItIs() throws Exception {
    Path other = folder.resolve("other");
    new MapDbStore(other).close();
    Path file = other.resolve("chain.mapdb");
    Files.write(file, new byte[64], StandardOpenOption.WRITE);
    assertThatThrownBy(() -> new MapDbStore(other))
        .isInstanceOf(StorageException.class)
        .hasMessageContaining("damaged")
        .hasMessageContaining("backup");
  }
}
