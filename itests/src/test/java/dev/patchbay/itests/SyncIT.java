// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.itests;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import dev.patchbay.primitives.Transaction;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * A node without a key follows the chain of a validator: from block 0, by announcements, after a
 * kill, and while its bundles are replaced.
 */
class SyncIT {
  private static final String NAMESPACES = "eth,net,web3,txpool,admin";
  private static final Path GENESIS = Node.ROOT.resolve("karaf-assembly/src/main/dev/genesis.json");

  /** More than one batch of headers. */
  private static final int BLOCKS = 700;

  /** What is replaced while the follower follows. */
  private static final List<String> REPLACED =
      List.of("sync", "p2p-eth", "p2p-devp2p", "peers", "consensus-poa", "txpool", "chain");

  @TempDir static Path folder;
  private static Node validator;
  private static String url;
  private static long nonce;

  @BeforeAll
  static void start() throws Exception {
    validator = new Node(folder.resolve("validator")).quick();
    validator.start(
        "--namespaces",
        NAMESPACES,
        "--p2p-port",
        "0",
        "--p2p-host",
        "127.0.0.1",
        "--discovery",
        "off");
    url = validator.result("admin_nodeInfo").get("enode").asText();
    while (number(validator) < BLOCKS) {
      Journeys.receipt(validator, validator.send(Accounts.transfer(0, nonce++)));
    }
  }

  @AfterAll
  static void stop() throws Exception {
    validator.close();
  }

  private static Node follower(String name) {
    return new Node(folder.resolve(name), "run").quick().withoutConsensusClient();
  }

  private static void follow(Node follower) throws Exception {
    follower.start(
        "--genesis",
        GENESIS.toString(),
        "--namespaces",
        NAMESPACES,
        "--p2p-port",
        "0",
        "--p2p-host",
        "127.0.0.1",
        "--discovery",
        "off",
        "--bootnodes",
        url);
  }

  private static long number(Node node) throws Exception {
    return Long.decode(node.result("eth_blockNumber").asText());
  }

  private static JsonNode head(Node node) throws Exception {
    return node.result("eth_getBlockByNumber", "latest", false).get("hash");
  }

  private static void awaitHead(Node follower) throws Exception {
    Journeys.await("the head of the validator", () -> head(follower).equals(head(validator)));
  }

  /** Seed: a follower from block 0; a transaction given to it is mined, and comes back. */
  @Test
  void aFollowerFromBlockZeroHasItsTransactionsMined() throws Exception {
    try (Node follower = follower("follower")) {
      follow(follower);
      awaitHead(follower);
      assertThat(follower.result("eth_syncing").asBoolean(true)).isFalse();
      assertThat(follower.shell("patchbay:status").output())
          .contains("sync       no download under way")
          .contains("not sealing");
      long before = number(validator);
      Transaction transfer = Accounts.transfer(0, nonce++);
      String hash = follower.send(transfer);
      JsonNode receipt = Journeys.receipt(follower, hash);
      assertThat(Long.decode(receipt.get("blockNumber").asText())).isEqualTo(before + 1);
      assertThat(Journeys.receipt(validator, hash)).isEqualTo(receipt);
      awaitHead(follower);

      follower.kill();
      for (int i = 0; i < 40; i++) {
        Journeys.receipt(validator, validator.send(Accounts.transfer(0, nonce++)));
      }
      follow(follower);
      awaitHead(follower);
    }
  }

  /** The validator seals on; each replaced bundle costs the follower no block. */
  @Test
  void aFollowerFollowsWhileItsBundlesAreReplaced() throws Exception {
    try (Node follower = follower("swapped")) {
      follow(follower);
      awaitHead(follower);
      Swaps swaps = new Swaps(follower);
      for (String replaced : REPLACED) {
        Journeys.receipt(validator, validator.send(Accounts.transfer(0, nonce++)));
        swaps.shell("bundle:update dev.patchbay." + replaced.replace('-', '.'));
        String hash = validator.send(Accounts.transfer(0, nonce++));
        Journeys.receipt(validator, hash);
        Journeys.await(
            "the block of " + hash + " after " + replaced + " was replaced",
            () -> follower.call("eth_getTransactionReceipt", hash).path("result").has("blockHash"));
        awaitHead(follower);
        swaps.oldLoadersAreCollected("dev.patchbay." + replaced.replace('-', '.'));
      }
      swaps.shell("storage:migrate mapdb");
      Journeys.receipt(validator, validator.send(Accounts.transfer(0, nonce++)));
      awaitHead(follower);
      swaps.shell("feature:uninstall patchbay-p2p");
      assertThat(follower.result("eth_syncing").asBoolean(true)).isFalse();
      swaps.shell("feature:install patchbay-p2p");
      Journeys.receipt(validator, validator.send(Accounts.transfer(0, nonce++)));
      awaitHead(follower);
      assertThat(new Swaps(follower).settle()).isNotEmpty();
    }
  }
}
