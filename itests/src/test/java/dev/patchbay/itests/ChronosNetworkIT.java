// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.itests;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Set;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import java.util.stream.LongStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Networks of several nodes with Chronos, and beside devp2p. */
class ChronosNetworkIT {
  private static final String NAMESPACES = "eth,net,web3,txpool,admin,chronos";
  private static final Path GENESIS = Node.ROOT.resolve("karaf-assembly/src/main/dev/genesis.json");

  /** What is replaced between the networks, in this order. */
  private static final List<String> REPLACED =
      List.of(
          "p2p-chronos",
          "p2p-eth",
          "p2p-devp2p",
          "sync",
          "peers",
          "consensus-poa",
          "chain",
          "storage-mapdb");

  /** Nodes that all are peers of each other. */
  private static final int NODES = 6;

  /** Blocks that these nodes relay. */
  private static final int BLOCKS = ChronosIT.BLOCKS / 10;

  @TempDir Path folder;
  private final List<Node> nodes = new ArrayList<>();
  private long nonce;

  private Node validator(String... options) throws Exception {
    Node node = new Node(folder.resolve("validator")).quick();
    nodes.add(node);
    return node.start(Journeys.with(new String[] {"--namespaces", NAMESPACES}, options));
  }

  private Node follower(String name, String... options) throws Exception {
    Node node = new Node(folder.resolve(name), "run").quick().withoutConsensusClient();
    nodes.add(node);
    String[] common = {"--genesis", GENESIS.toString(), "--namespaces", NAMESPACES};
    return node.start(Journeys.with(common, options));
  }

  private void stop() throws Exception {
    for (Node node : nodes) {
      node.close();
    }
  }

  private void sealBlocks(Node validator, int count) throws Exception {
    for (int i = 0; i < count; i++) {
      Journeys.mine(validator, Accounts.transfer(0, nonce++));
    }
  }

  private static String head(Node node) throws Exception {
    return node.result("eth_getBlockByNumber", "latest", false).get("hash").asText();
  }

  private static void awaitHead(Node follower, Node validator) throws Exception {
    String wanted = head(validator);
    Journeys.await("the head of the validator", () -> head(follower).equals(wanted));
  }

  /** Each block reaches the last node before the next one: a node that lags behind pulls some. */
  private void sealAndFollow(Node first, Node last, int count) throws Exception {
    for (int i = 0; i < count; i++) {
      sealBlocks(first, 1);
      awaitHead(last, first);
    }
  }

  private static List<String> hashes(Node node) throws Exception {
    long last = Long.decode(node.result("eth_blockNumber").asText());
    List<String> out = new ArrayList<>();
    for (long number : LongStream.rangeClosed(0, last).toArray()) {
      String block = "0x" + Long.toHexString(number);
      out.add(node.result("eth_getBlockByNumber", block, false).get("hash").asText());
    }
    return out;
  }

  /**
   * The first has devp2p alone, the last Chronos alone. Bundles of the one between them are
   * replaced, and its chain moves to another store, while blocks come.
   */
  @Test
  void blocksOfOneNetworkCrossToTheOtherOnceEach() throws Exception {
    int port = Node.freePort();
    String[] devp2p = {"--p2p-port", "0", "--p2p-host", "127.0.0.1", "--discovery", "off"};
    try {
      Node first = validator(devp2p);
      sealBlocks(first, 40);
      String url = first.result("admin_nodeInfo").get("enode").asText();
      String[] both = {"--bootnodes", url, "--chronos", "127.0.0.1:" + port, "--storage", "mapdb"};
      Node between = follower("between", Journeys.with(devp2p, both));
      awaitHead(between, first);
      try (ChronosTap tap = new ChronosTap(port)) {
        Node last = follower("last", "--p2p", "off", "--chronos-peers", "127.0.0.1:" + tap.port);
        awaitHead(last, first);
        sealAndFollow(first, last, 10);
        assertExecutedOnce(between);
        Swaps swaps = new Swaps(between);
        for (String name : REPLACED) {
          swaps.shell("bundle:update dev.patchbay." + name.replace('-', '.'));
          sealAndFollow(first, last, 3);
        }
        Thread migration = new Thread(() -> migrate(between), "chronos-migration");
        migration.start();
        while (migration.isAlive()) {
          sealAndFollow(first, last, 1);
        }
        sealAndFollow(first, last, 3);
        assertThat(between.shell("storage:list").output()).contains("rocksdb");
        List<String> crossed = tap.blocks("<-");
        Set<String> once = Set.copyOf(crossed);
        assertThat(once).as(tap.output()).containsExactlyInAnyOrderElementsOf(hashes(first));
        // of a new connection the head is pulled, to see whether both chains have it
        assertThat(crossed.size() - once.size())
            .as(tap.output())
            .isLessThanOrEqualTo(tap.connections() - 1);
        assertThat(tap.blocks("->")).as("blocks that the last node returns").isEmpty();
        assertExecutedOnce(last);
      }
    } finally {
      stop();
    }
  }

  private static void assertExecutedOnce(Node node) throws Exception {
    long head = Long.decode(node.result("eth_blockNumber").asText());
    assertThat(node.shell("chain:head").output())
        .contains("executed      " + head + " blocks since the start");
  }

  private static void migrate(Node node) {
    try {
      node.shell("storage:migrate rocksdb");
    } catch (Exception failed) {
      throw new IllegalStateException(failed);
    }
  }

  private static long messages(Node node, String direction, String code) throws Exception {
    long sum = 0;
    for (JsonNode peer : node.result("chronos_peers")) {
      sum += peer.path(direction).path(code).asLong();
    }
    return sum;
  }

  /** A block goes whole to two of five peers, which relay it, and as a hash to the others. */
  @Test
  void sixNodesRelayBlocksByTheSquareRootOfTheirPeers() throws Exception {
    int[] ports = IntStream.range(0, NODES).map(i -> Node.freePort()).toArray();
    try {
      for (int i = 0; i < NODES; i++) {
        String[] listen = {"--p2p", "off", "--chronos", "127.0.0.1:" + ports[i]};
        if (i == 0) {
          validator(listen);
        } else {
          // each pair is connected once: a connection that is replaced takes its counts with it
          String earlier =
              Arrays.stream(ports, 0, i)
                  .mapToObj(port -> "127.0.0.1:" + port)
                  .collect(Collectors.joining(","));
          follower("follower-" + i, Journeys.with(listen, "--chronos-peers", earlier));
        }
      }
      for (Node node : nodes) {
        Journeys.await("all peers", () -> node.result("chronos_peers").size() == NODES - 1);
      }
      Node validator = nodes.get(0);
      long start = System.nanoTime();
      for (int i = 0; i < BLOCKS; i++) {
        sealBlocks(validator, 1);
        for (Node node : nodes) {
          awaitHead(node, validator);
        }
      }
      long millis = (System.nanoTime() - start) / 1_000_000;
      StringBuilder table = new StringBuilder();
      for (String code :
          List.of("NEW_BLOCK", "NEW_BLOCK_HASH", "GET_BLOCK", "BLOCK_KNOWN", "PULL_BLOCK")) {
        long sent = 0;
        for (Node node : nodes) {
          sent += messages(node, "sent", code);
        }
        table.append(String.format("%s %.1f, ", code, sent / (double) BLOCKS));
      }
      System.out.println(
          "six nodes, messages a block: " + table + millis / BLOCKS + " ms until all have it");
      assertThat(messages(validator, "sent", "NEW_BLOCK_HASH")).isEqualTo(3L * BLOCKS);
      assertThat(messages(validator, "sent", "NEW_BLOCK"))
          .isEqualTo(2L * BLOCKS + messages(validator, "received", "GET_BLOCK"));
    } finally {
      stop();
    }
  }
}
