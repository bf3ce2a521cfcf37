// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.itests;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import dev.patchbay.p2p.devp2p.AskingPeer;
import dev.patchbay.primitives.Hash;
import java.net.URI;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * A node without a key follows the chain of a validator: from block 0, by announcements, after a
 * kill, over a slow link, and while its bundles are replaced.
 */
class SyncIT {
  private static final String NAMESPACES = "eth,net,web3,txpool,admin";
  private static final Path GENESIS = Node.ROOT.resolve("karaf-assembly/src/main/dev/genesis.json");

  /** More than one batch of headers. */
  private static final int BLOCKS = 700;

  /** Peers in the process of the test, of each node. */
  private static final int PEERS = 9;

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
    sealBlocks(BLOCKS);
  }

  @AfterAll
  static void stop() throws Exception {
    validator.close();
  }

  private static Node follower(String name) {
    return new Node(folder.resolve(name), "run").quick().withoutConsensusClient();
  }

  private static void follow(Node follower, String validatorUrl, String... more) throws Exception {
    String[] options = {
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
      validatorUrl
    };
    follower.start(Journeys.with(options, more));
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

  /**
   * Seed: a follower from block 0; a transaction given to it is in the next block of the validator,
   * and comes back; a block is announced to all peers, of which some get it in full. Then the link
   * between the nodes is slow and loses packets.
   */
  @Test
  void aFollowerFromBlockZeroHasItsTransactionsMined() throws Exception {
    try (Node follower = follower("follower")) {
      follow(follower, url, "--block-gossip", "announce");
      awaitHead(follower);
      assertThat(follower.result("eth_syncing").asBoolean(true)).isFalse();
      assertThat(follower.shell("patchbay:status").output())
          .contains("sync       no download under way")
          .contains("not sealing");
      aTransactionOfTheFollowerIsMinedAndTheBlockReachesAllPeers(follower);
      follower.kill();
      sealBlocks(200);
      try (Relay link = new Relay(URI.create(url).getPort(), Duration.ofMillis(100))) {
        follow(follower, url.replaceAll(":[0-9]+", ":" + link.port));
        awaitHead(follower);
        staysInStep(follower);
        assertThat(link.connections()).isPositive();
        assertThat(follower.result("admin_peers").findValuesAsText("remoteAddress"))
            .as("no other way between them")
            .containsExactly("127.0.0.1:" + link.port);
      }
    }
  }

  private static void sealBlocks(int count) throws Exception {
    for (int i = 0; i < count; i++) {
      Journeys.mine(validator, Accounts.transfer(0, nonce++));
    }
  }

  private static void aTransactionOfTheFollowerIsMinedAndTheBlockReachesAllPeers(Node follower)
      throws Exception {
    ScheduledExecutorService timer = Executors.newSingleThreadScheduledExecutor();
    List<AskingPeer> others = new ArrayList<>();
    List<AskingPeer> ofFollower = new ArrayList<>();
    try {
      AskingPeer.Plan nothing = new AskingPeer.Plan(List.of(), null, 0);
      String followerUrl = follower.result("admin_nodeInfo").get("enode").asText();
      for (int i = 0; i < PEERS; i++) {
        others.add(new AskingPeer(url, nothing, timer));
        ofFollower.add(new AskingPeer(followerUrl, nothing, timer));
      }
      awaitPeers(validator, PEERS + 1);
      awaitPeers(follower, PEERS + 1);
      long before = number(validator);
      String hash = follower.send(Accounts.transfer(0, nonce++));
      JsonNode receipt = Journeys.receipt(follower, hash);
      assertThat(Long.decode(receipt.get("blockNumber").asText())).isEqualTo(before + 1);
      assertThat(Journeys.receipt(validator, hash)).isEqualTo(receipt);
      awaitHead(follower);

      Hash block = Hash.fromHex(receipt.get("blockHash").asText());
      for (AskingPeer peer : others) {
        Journeys.await(
            "the block, or its hash",
            () -> peer.blocks().contains(block) || peer.blockHashes().contains(block));
      }
      assertThat(others.stream().filter(peer -> peer.blocks().contains(block)).count())
          .as("four peers get it in full, of which the follower may be one")
          .isBetween(3L, 4L);
      for (AskingPeer peer : ofFollower) {
        Journeys.await("the hash", () -> peer.blockHashes().contains(block));
        assertThat(peer.blocks()).isEmpty();
      }
    } finally {
      timer.shutdownNow();
      others.forEach(AskingPeer::close);
      ofFollower.forEach(AskingPeer::close);
    }
  }

  private static void staysInStep(Node follower) throws Exception {
    for (int i = 0; i < 25; i++) {
      String hash = validator.send(Accounts.transfer(0, nonce++));
      JsonNode receipt = Journeys.receipt(validator, hash);
      assertThat(Journeys.receipt(follower, hash)).isEqualTo(receipt);
    }
    String hash = follower.send(Accounts.transfer(0, nonce++));
    assertThat(Journeys.receipt(follower, hash)).isEqualTo(Journeys.receipt(validator, hash));
    awaitHead(follower);
  }

  private static void awaitPeers(Node node, int count) throws Exception {
    String expected = "0x" + Integer.toHexString(count);
    Journeys.await(count + " peers", () -> node.result("net_peerCount").asText().equals(expected));
  }

  /** The validator seals on; each replaced bundle costs the follower no block. */
  @Test
  void aFollowerFollowsWhileItsBundlesAreReplaced() throws Exception {
    try (Node follower = follower("swapped")) {
      follow(follower, url);
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
