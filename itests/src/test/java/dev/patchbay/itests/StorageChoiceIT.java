// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.itests;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.concurrent.FutureTask;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * Where the chain is, is written down once: whatever a later start is told, and whatever is missing
 * then, no second chain begins.
 */
class StorageChoiceIT {
  @TempDir Path folder;

  private static String mine(Node node, long nonce) throws Exception {
    String hash = node.send(Accounts.transfer(0, nonce));
    assertThat(Journeys.receipt(node, hash).get("status").asText()).isEqualTo("0x1");
    return hash;
  }

  private static boolean isMined(Node node, String hash) throws Exception {
    JsonNode receipt = node.result("eth_getTransactionReceipt", hash);
    return !receipt.isNull();
  }

  private static Node.Result export(Node node, Path file) throws Exception {
    return Node.launcher(
        Map.of(), List.of("export", "--datadir", node.data.toString(), file.toString()));
  }

  private static void verifyWhileBlocksAreMined(Node node) throws Exception {
    AtomicBoolean running = new AtomicBoolean(true);
    FutureTask<Long> miner =
        new FutureTask<>(
            () -> {
              long nonce = 1;
              while (running.get()) {
                mine(node, nonce++);
              }
              return nonce;
            });
    new Thread(miner, "miner").start();
    Node.Result verified = node.shell("chain:verify");
    running.set(false);
    assertThat(miner.get(60, TimeUnit.SECONDS)).isPositive();
    assertThat(verified.status()).as(verified.output()).isZero();
    assertThat(verified.output()).contains("the store is whole");
  }

  @Test
  void theFirstChoiceDecides() throws Exception {
    Path file = folder.resolve("blocks.rlp");
    Node node = new Node(folder.resolve("chosen")).quick();
    assertThat(export(node, file).output()).contains("no chain");
    assertThat(node.data).doesNotExist();
    node.start("--storage", "rocksdb");
    String hash = mine(node, 0);
    node.close();
    for (String other : List.of("mapdb", "memory")) {
      assertThat(Journeys.refusal(node, "--storage", other))
          .contains("is in 'rocksdb', not in '" + other + "'")
          .contains("storage:migrate " + other);
    }
    Node.Result exported = export(node, file);
    assertThat(exported.status()).as(exported.output()).isZero();
    assertThat(Files.size(file)).isGreaterThan(500);
    Node.Result verified =
        Node.launcher(Map.of(), List.of("verify", "--datadir", node.data.toString()));
    assertThat(verified.status()).as(verified.output()).isZero();
    assertThat(verified.output()).contains("2 canonical blocks", "the store is whole");
    node.start();
    assertThat(isMined(node, hash)).isTrue();
    verifyWhileBlocksAreMined(node);
    assertThat(node.shell("storage:list").output()).contains("* rocksdb");
    node.close();

    // whatever is missing, the start names what is there, and begins nothing
    Path copy = node.copyOf("rocksdb");
    Path away = Files.move(copy, folder.resolve("away"));
    assertThat(Journeys.refusal(node)).contains(copy.toString());
    Files.deleteIfExists(copy);
    Files.move(away, copy);
    Path choice = node.data.resolve("stores/chain/choice");
    byte[] content = Files.readAllBytes(choice);
    Files.delete(choice);
    assertThat(Journeys.refusal(node))
        .contains("choice file")
        .contains(copy.getFileName().toString());
    Files.write(choice, content);
    try (node) {
      node.start();
      assertThat(isMined(node, hash)).isTrue();
    }
  }

  @Test
  void aChainThatWasMovedToMemoryIsGivenUpOnRequestOnly() throws Exception {
    Node node = new Node(folder.resolve("moved")).quick().start();
    String kept = mine(node, 0);
    assertThat(node.shell("storage:migrate", "memory").output()).contains("done");
    String lost = mine(node, 1);
    Node.Result stop = Node.launcher(Map.of(), List.of("stop", "--datadir", node.data.toString()));
    assertThat(stop.status()).isNotZero();
    assertThat(stop.output()).contains("storage:migrate").contains("--discard-chain");
    assertThat(isMined(node, lost)).as("the node goes on").isTrue();

    node.kill();
    assertThat(Journeys.refusal(node))
        .contains("moved to 'memory'")
        .contains("older copy, block 1 ")
        .contains("is in 'mapdb'")
        .contains("--discard-chain");
    node.start("--discard-chain");
    assertThat(isMined(node, kept)).isTrue();
    assertThat(isMined(node, lost)).isFalse();
    assertThat(node.shell("storage:list").output()).contains("* mapdb");

    // an update of the bundle empties it: the node does not begin again
    assertThat(node.shell("storage:migrate", "memory").output()).contains("done");
    assertThat(node.shell("bundle:update", "dev.patchbay.storage.memory").status()).isZero();
    assertThat(node.call("eth_blockNumber").at("/error/code").asInt()).isEqualTo(-32010);
    assertThat(node.shell("storage:list").output()).contains("not available in 'memory'");
    Node.Result ended = Node.launcher(Map.of(), List.of("stop", "--datadir", node.data.toString()));
    assertThat(ended.status()).as(ended.output()).isZero();
    assertThat(Journeys.refusal(node)).contains("older copy, block 1 ");
    node.close();
  }

  @Test
  void aChainThatWasBegunInMemoryEndsWithTheProcess() throws Exception {
    Node node = new Node(folder.resolve("begun")).quick().start("--storage", "memory");
    String hash = mine(node, 0);
    assertThat(node.shell("bundle:update", "dev.patchbay.storage.memory").status()).isZero();
    assertThat(node.call("eth_blockNumber").at("/error/code").asInt()).isEqualTo(-32010);
    Node.Result stop = Node.launcher(Map.of(), List.of("stop", "--datadir", node.data.toString()));
    assertThat(stop.status()).as(stop.output()).isZero();
    try (node) {
      node.start();
      assertThat(isMined(node, hash)).isFalse();
      assertThat(node.shell("storage:list").output()).contains("* memory");
    }
  }
}
