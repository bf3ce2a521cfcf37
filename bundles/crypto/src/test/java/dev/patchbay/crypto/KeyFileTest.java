// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.crypto;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.SecureRandom;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class KeyFileTest {
  @TempDir Path folder;

  @Test
  void allThatUseAFileGetOneKey() throws Exception {
    Path file = folder.resolve("p2p_key");
    ExecutorService threads = Executors.newFixedThreadPool(8);
    try {
      Callable<byte[]> use = () -> KeyFile.readOrCreate(file, new SecureRandom());
      List<Future<byte[]>> keys = threads.invokeAll(Stream.generate(() -> use).limit(8).toList());
      for (Future<byte[]> key : keys) {
        assertThat(key.get()).isEqualTo(KeyFile.read(file));
      }
    } finally {
      threads.shutdownNow();
    }
  }

  @Test
  void aDamagedFileIsNotReplaced() throws Exception {
    Path file = Files.writeString(folder.resolve("p2p_key"), "damaged");
    assertThatThrownBy(() -> KeyFile.readOrCreate(file, new SecureRandom()))
        .isInstanceOf(IOException.class)
        .hasMessageContaining("64 hexadecimal digits");
    assertThat(file).hasContent("damaged");
  }
}
