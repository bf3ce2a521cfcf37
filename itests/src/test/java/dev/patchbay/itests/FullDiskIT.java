// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.itests;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** A disk that fills up under a node: a file system in memory that is made smaller and larger. */
class FullDiskIT {
  private static final long LARGE = 2L << 30;

  @TempDir static Path folder;

  @ParameterizedTest
  @ValueSource(strings = {"mapdb", "rocksdb"})
  void aFullDiskIsToldAndTheNodeGoesOn(String storage) throws Exception {
    Path disk = Files.createDirectory(folder.resolve("disk-" + storage));
    assumeTrue(
        mount("-t", "tmpfs", "-o", "size=" + LARGE, "tmpfs", disk.toString()),
        "SKIPPED: only root may mount a file system");
    try (Node node = new Node(disk.resolve("node")).quick().start("--storage", storage)) {
      send(node, 0);
      long used =
          Files.getFileStore(disk).getTotalSpace() - Files.getFileStore(disk).getUsableSpace();
      assertThat(resize(disk, used + (4 << 20))).isTrue();
      String waiting =
          node.result("eth_sendRawTransaction", Accounts.raw(Accounts.transfer(0, 1))).asText();
      Path log = node.data.resolve("logs/karaf.log");
      Journeys.await("is nearly full", () -> Files.readString(log).contains("is nearly full"));
      assertThat(node.result("eth_blockNumber").asText()).as("reads go on").isEqualTo("0x1");
      assertThat(resize(disk, LARGE)).isTrue();
      assertThat(Journeys.receipt(node, waiting).get("status").asText())
          .as("what waited is mined without a restart")
          .isEqualTo("0x1");
      send(node, 2);
    } finally {
      new ProcessBuilder("umount", "-l", disk.toString()).start().waitFor();
    }
  }

  private static void send(Node node, long nonce) throws Exception {
    String hash =
        node.result("eth_sendRawTransaction", Accounts.raw(Accounts.transfer(0, nonce))).asText();
    assertThat(Journeys.receipt(node, hash).get("status").asText()).isEqualTo("0x1");
  }

  private static boolean resize(Path disk, long bytes) throws Exception {
    return mount("-o", "remount,size=" + bytes, disk.toString());
  }

  private static boolean mount(String... arguments) throws Exception {
    List<String> command = new java.util.ArrayList<>(List.of("mount"));
    command.addAll(List.of(arguments));
    return new ProcessBuilder(command).redirectErrorStream(true).start().waitFor() == 0;
  }
}
