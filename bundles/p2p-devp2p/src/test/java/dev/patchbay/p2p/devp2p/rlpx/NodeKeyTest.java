// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.p2p.devp2p.rlpx;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.security.SecureRandom;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** The file that keeps the identity of the node. */
class NodeKeyTest {
  private static final String KEY =
      "dc5ef21e7897d317d57cf5336f8be8d75123a8f075196ccec3c8693030fc20c0";
  private static final SecureRandom RANDOM = new SecureRandom();

  @TempDir Path folder;

  private Path file() {
    return folder.resolve("p2p_key");
  }

  @Test
  void aKeyIsCreatedOnceAndReadableByItsOwnerOnly() throws IOException {
    Path file = folder.resolve("data/p2p_key");
    NodeKey created = NodeKey.loadOrCreate(file, RANDOM);
    assertThat(NodeKey.loadOrCreate(file, RANDOM).id()).isEqualTo(created.id());
    assertThat(PosixFilePermissions.toString(Files.getPosixFilePermissions(file)))
        .isEqualTo("rw-------");
    assertThat(folder.resolve("data")).isDirectoryContaining("glob:**p2p_key");
    try (var files = Files.list(folder.resolve("data"))) {
      assertThat(files).hasSize(1);
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {KEY, "0x" + KEY, KEY + "\n", " " + KEY + "\r\n"})
  void theKeyOfTheSeedIsRead(String content) throws IOException {
    Files.writeString(file(), content);
    assertThat(NodeKey.loadOrCreate(file(), RANDOM).id().toString()).startsWith("c6ecdf9e2d5c7838");
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "",
        "dc5e",
        KEY + "00",
        "zc5ef21e7897d317d57cf5336f8be8d75123a8f075196ccec3c8693030fc20c0",
        "0000000000000000000000000000000000000000000000000000000000000000",
        "fffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141"
      })
  void aFileWithoutAKeyIsRefusedAndKept(String content) throws IOException {
    Files.writeString(file(), content);
    assertThatThrownBy(() -> NodeKey.loadOrCreate(file(), RANDOM))
        .isInstanceOf(IOException.class)
        .hasMessageContaining(file().toString())
        .satisfies(
            failure -> {
              if (content.length() > 8) {
                assertThat(failure.getMessage()).doesNotContain(content.substring(1, 9));
              }
              assertThat(failure.getCause()).isNull();
            });
    assertThat(file()).hasContent(content);
  }

  @Test
  void aFolderThatCannotBeUsedIsNamed() throws IOException {
    Files.writeString(folder.resolve("data"), "a file");
    Path file = folder.resolve("data/p2p_key");
    assertThatThrownBy(() -> NodeKey.loadOrCreate(file, RANDOM))
        .isInstanceOf(IOException.class)
        .hasMessageContaining(file.toString());
    Files.createDirectory(file());
    assertThatThrownBy(() -> NodeKey.loadOrCreate(file(), RANDOM))
        .isInstanceOf(IOException.class)
        .hasMessageContaining(file().toString());
  }

  @Test
  void noTextShowsTheKey() {
    NodeKey key = NodeKey.of(Eip8.hex(KEY));
    assertThat(key.toString()).doesNotContain(KEY.substring(0, 8)).contains("c6ecdf9e2d5c7838");
  }
}
