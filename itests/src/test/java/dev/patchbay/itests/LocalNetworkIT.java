// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.itests;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/**
 * Four validators on this machine, started with one command. Transactions come in at each of them,
 * while one is killed, one is separated, and bundles and the store of the chain are replaced. The
 * clock of the one that was killed is ahead from then on.
 */
@Timeout(value = 10, unit = TimeUnit.MINUTES)
class LocalNetworkIT {
  private static final int VALIDATORS = 4;

  /** Blocks of which a validator may seal one. */
  private static final int IN_A_ROW = VALIDATORS / 2 + 1;

  /** By how much the clock of a validator is ahead, from the moment that it comes back. */
  private static final int AHEAD_SECONDS = 2;

  /** Commands that replace something, one for each node at a time. */
  private static final List<List<String>> REPLACEMENTS =
      List.of(
          List.of(
              "bundle:update dev.patchbay.p2p.eth",
              "bundle:update dev.patchbay.consensus.poa",
              "bundle:update dev.patchbay.chain",
              "storage:migrate mapdb"),
          List.of(
              "bundle:update dev.patchbay.p2p.devp2p",
              "bundle:update dev.patchbay.txpool",
              "bundle:update dev.patchbay.sync"));

  private static final Pattern SEALED =
      Pattern.compile("dev\\.patchbay\\.payload - .*\\| block (\\d+) (0x[0-9a-f]{64}) with ");

  @TempDir Path folder;
  private LocalNetwork network;
  private List<Node> nodes;

  @Test
  void validatorsSealThroughKillsSeparationsAndReplacements() throws Exception {
    Path data = folder.resolve("network");
    try (LocalNetwork started = new LocalNetwork(data, VALIDATORS)) {
      network = started;
      nodes = started.nodes;
      started.start("--namespaces", "eth,net,web3,clique,txpool");
      theLauncherShowsWhoIsWho();
      awaitPeers();
      List<Sender> senders = new ArrayList<>();
      for (int i = 0; i < VALIDATORS; i++) {
        senders.add(new Sender(nodes.get(i)::call, i));
      }
      senders.forEach(Sender::start);
      eachSealsItsShare();
      aKilledValidatorComesBack();
      blocksFromTheFutureWait();
      aSeparatedValidatorComesBack();
      bundlesAreReplaced();
      for (Sender sender : senders) {
        sender.stop();
      }
      noTransactionIsLost(senders);
      thereIsOneChain();
      noSignerSealsTwiceOnOneParent();
      assertThat(started.stop()).as("a node has died").isEqualTo(1);
      assertThat(launcher("stop").output()).isEqualTo("node 3\nStopped.\n");
      otherNetworksAreRefused();
    }
  }

  private void theLauncherShowsWhoIsWho() throws Exception {
    List<String> signers = new ArrayList<>();
    nodes.get(0).result("clique_getSigners").forEach(signer -> signers.add(signer.asText()));
    assertThat(signers).hasSize(VALIDATORS);
    String output = network.output();
    assertThat(output)
        .contains("blocks     every 1 s", "0xf39Fd6e51aad88F6F4ce6aB8827279cffFb92266");
    for (int i = 0; i < VALIDATORS; i++) {
      Node node = nodes.get(i);
      assertThat(output)
          .contains("http://127.0.0.1:" + node.httpPort, "ws://127.0.0.1:" + node.wsPort)
          .contains(network.url(i), "patchbay shell --datadir " + node.data);
      assertThat(signers).contains(network.validator(i));
      assertThat(node.result("eth_chainId").asText()).isEqualTo("0x539");
    }
    Node.Result status = launcher("status");
    assertThat(status.status()).as(status.output()).isZero();
    assertThat(status.output().split("health     HEALTHY", -1)).hasSize(VALIDATORS + 1);
    assertThat(launcher("shell").output()).contains("name the data directory of a node");
    assertThat(Node.launcher(Map.of(), network.arguments(VALIDATORS)).output())
        .contains("in use by another node or network");
  }

  private Node.Result launcher(String command) throws Exception {
    return Node.launcher(Map.of(), List.of(command, "--datadir", network.data.toString()));
  }

  /** A network of one: the nodes outlive their launcher, and the next start continues the chain. */
  @Test
  void aNetworkIsContinuedAndBadOptionsAreRefused() throws Exception {
    try (LocalNetwork started = new LocalNetwork(folder.resolve("one"), 1)) {
      network = started;
      for (String number : List.of("0", "11", "-1", "two", "")) {
        refused("--validators", "--validators", number);
      }
      refused("--genesis does not fit", "--genesis", Node.ROOT.resolve("pom.xml").toString());
      String node2 = "enode://" + "ab".repeat(64) + "@127.0.0.1:1";
      refused("--static-nodes does not fit", "--static-nodes", node2);
      refused("--storage memory does not fit", "--storage", "memory");
      refused("--p2p-port is 1 to 65535", "--p2p-port", "0");
      refused("--ws-port is 1 to 65527", "--validators", "9", "--ws-port", "65530");
      try (ServerSocket taken = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
        String port = "" + taken.getLocalPort();
        refused("port " + port + ", of node 1, is in use", "--p2p-port", port);
      }
      String twice = "" + Node.freePort();
      refused("port " + twice + " would be used twice", "--p2p-port", twice, "--http-port", twice);
      assertThat(started.data.resolve("network.json")).doesNotExist();

      Node node = started.nodes.get(0);
      started.start("--block-period", "0");
      String hash = node.send(Accounts.transfer(0, 0));
      JsonNode receipt = Journeys.receipt(node, hash);
      started.killLauncher();
      refused("in use by another node or network", "--block-period", "0");
      assertThat(Journeys.receipt(node, hash)).isEqualTo(receipt);
      assertThat(launcher("stop").output()).isEqualTo("node 1\nStopped.\n");

      Path key = node.data.resolve("validator.key");
      String written = Files.readString(key);
      Files.writeString(key, "no key\n");
      refused("node 1 did not start");
      assertThat(Files.readString(key)).isEqualTo("no key\n");
      Files.writeString(key, written);
      started.start();
      assertThat(started.output()).contains("blocks     when a transaction arrives");
      assertThat(Journeys.receipt(node, hash)).isEqualTo(receipt);
      assertThat(started.stop()).isZero();
      assertThat(started.output()).endsWith("Stopped.\n");
    }
  }

  private void refused(String reason, String... options) throws Exception {
    Node.Result result = Node.launcher(Map.of(), network.arguments(1, options));
    assertThat(result.status()).as(result.output()).isNotZero();
    assertThat(result.output()).contains(reason);
  }

  // ---- the journey

  private void eachSealsItsShare() throws Exception {
    long first = number(nodes.get(0)) + 1;
    for (Node node : nodes) {
      awaitOwnBlock(node);
    }
    awaitBlocks(nodes, IN_A_ROW);
    long last = number(nodes.get(0)) - IN_A_ROW; // a reorg may replace later ones
    Map<String, Integer> shares = new HashMap<>();
    List<String> signers = new ArrayList<>();
    for (long i = first; i <= last; i++) {
      signers.add(signer(nodes.get(0), i));
      shares.merge(signers.get(signers.size() - 1), 1, Integer::sum);
    }
    System.out.printf("shares of %d blocks: %s%n", signers.size(), shares);
    for (int i = IN_A_ROW; i <= signers.size(); i++) {
      assertThat(signers.subList(i - IN_A_ROW, i))
          .as("one of three blocks")
          .doesNotHaveDuplicates();
    }
  }

  private void aKilledValidatorComesBack() throws Exception {
    Node killed = nodes.get(2);
    killed.kill();
    network.awaitOutput("node 3  has ended; 3 of 4 nodes go on");
    assertThat(network.output()).contains("node 3  patchbay: the node died", "signal 9");
    awaitBlocks(List.of(nodes.get(0), nodes.get(1), nodes.get(3)), VALIDATORS);
    network.restart(2, Node.clockAhead(AHEAD_SECONDS));
    awaitPeers();
    awaitOwnBlock(killed);
  }

  /**
   * The clock of a validator is ahead from now on: others import its blocks when their clocks have
   * come so far, and do not blame it. What follows, follows with it.
   */
  private void blocksFromTheFutureWait() throws Exception {
    Node ahead = nodes.get(2);
    assertThat(ahead.warnings()).contains("the clock of blocks is " + AHEAD_SECONDS + " s ahead");
    Node other = nodes.get(0);
    JsonNode early = awaitEarlyBlock(ahead);
    String hash = early.get("hash").asText();
    long time = Long.decode(early.get("timestamp").asText());
    assertThat(time - Instant.now().getEpochSecond()).isLessThanOrEqualTo(AHEAD_SECONDS);
    Journeys.await(
        "block " + hash + " when its time has come",
        () -> {
          boolean isHere = !other.result("eth_getBlockByHash", hash, false).isNull();
          if (isHere) {
            assertThat(Instant.now().getEpochSecond()).isGreaterThanOrEqualTo(time);
          }
          return isHere;
        });
    for (Node node : nodes) {
      assertThat(node.shell("peer:bans").output()).contains("no peer is banned");
    }
    awaitPeers();
  }

  /** Waits for a block that a node seals before its time by the clock of the others. */
  private JsonNode awaitEarlyBlock(Node ahead) throws Exception {
    JsonNode[] found = new JsonNode[1];
    String validator = network.validator(nodes.indexOf(ahead));
    Journeys.await(
        "a block from the future",
        () -> {
          JsonNode head = ahead.result("eth_getBlockByNumber", "latest", false);
          found[0] = head;
          return Long.decode(head.get("timestamp").asText()) > Instant.now().getEpochSecond()
              && signer(ahead, Long.decode(head.get("number").asText())).equals(validator);
        });
    return found[0];
  }

  private void aSeparatedValidatorComesBack() throws Exception {
    Node separated = nodes.get(3);
    List<Node> others = nodes.subList(0, 3);
    everyOther(separated, "peer:ban --for 1h ");
    Journeys.await("no peer", () -> separated.result("net_peerCount").asText().equals("0x0"));
    long before = awaitBlocks(others, VALIDATORS + 1);
    assertThat(number(separated)).as("one of three blocks").isLessThanOrEqualTo(before + 1);
    everyOther(separated, "peer:add ");
    awaitPeers();
    awaitOwnBlock(separated);
  }

  private void everyOther(Node node, String command) throws Exception {
    StringBuilder commands = new StringBuilder();
    for (int i = 0; i < VALIDATORS; i++) {
      if (nodes.get(i) != node) {
        commands.append(commands.isEmpty() ? "" : "; ").append(command).append(network.url(i));
      }
    }
    new Swaps(node).shell(commands.toString());
  }

  private void bundlesAreReplaced() throws Exception {
    for (List<String> commands : REPLACEMENTS) {
      long before = number(nodes.get(0));
      for (int i = 0; i < commands.size(); i++) {
        new Swaps(nodes.get(i)).shell(commands.get(i));
      }
      awaitPeers();
      for (Node node : nodes) {
        awaitOwnBlock(node);
      }
      System.out.printf("%s: %d blocks%n", commands, number(nodes.get(0)) - before);
    }
  }

  // ---- what holds at the end

  private void noTransactionIsLost(List<Sender> senders) throws Exception {
    int count = 0;
    for (Sender sender : senders) {
      for (String hash : sender.hashes()) {
        Journeys.receipt(nodes.get(0), hash);
        for (Node node : nodes) {
          Journeys.await(
              "the transaction " + hash + " in the same block of node 1 and " + node.data,
              () -> {
                String block = blockOf(nodes.get(0), hash); // a reorg may replace it
                return !block.isEmpty() && block.equals(blockOf(node, hash));
              });
        }
        count++;
      }
    }
    System.out.println(count + " transactions are in the chain of each node");
  }

  private static String blockOf(Node node, String hash) throws Exception {
    return node.result("eth_getTransactionReceipt", hash).path("blockHash").asText();
  }

  private void thereIsOneChain() throws Exception {
    awaitBlocks(nodes, 1);
    long number = number(nodes.get(0));
    awaitBlocks(nodes, VALIDATORS);
    JsonNode hash = hash(nodes.get(0), number);
    for (Node node : nodes) {
      assertThat(hash(node, number)).as("block %d of %s", number, node.data).isEqualTo(hash);
    }
  }

  /** A signer may seal a height again on another parent only, as its branch was not the best. */
  private void noSignerSealsTwiceOnOneParent() throws Exception {
    for (Node node : nodes) {
      Map<String, String> parents = new HashMap<>();
      Map<String, String> heights = new HashMap<>();
      try (Stream<String> lines = Files.lines(node.data.resolve("logs/karaf.log"))) {
        for (String line : (Iterable<String>) lines::iterator) {
          Matcher sealed = SEALED.matcher(line);
          if (sealed.find()) {
            String other = heights.put(sealed.group(1), sealed.group(2));
            if (other != null && !other.equals(sealed.group(2))) {
              for (String hash : List.of(other, sealed.group(2))) {
                String parent =
                    node.result("eth_getBlockByHash", hash, false).get("parentHash").asText();
                String twice = parents.put(parent, hash);
                assertThat(twice).as("blocks on " + parent).isIn(null, hash);
              }
            }
          }
        }
      }
      assertThat(heights).as("blocks that " + node.data + " has sealed").isNotEmpty();
    }
  }

  private void otherNetworksAreRefused() throws Exception {
    String genesis = Files.readString(network.data.resolve("network.json"));
    assertThat(Node.launcher(Map.of(), network.arguments(3)).output())
        .contains("holds a network of 4 validators, not 3; give --validators 4");
    assertThat(Node.launcher(Map.of(), network.arguments(4, "--block-period", "2")).output())
        .contains("holds a network whose block period is 1 s, not 2");
    assertThat(Journeys.refusal(new Node(network.data)))
        .contains("holds a network of validators, which 'patchbay dev --validators 4");
    assertThat(launcher("stop").output()).contains("no node of the network in");
    assertThat(Files.readString(network.data.resolve("network.json"))).isEqualTo(genesis);
  }

  // ---- steps

  private static long number(Node node) throws Exception {
    return Long.decode(node.result("eth_blockNumber").asText());
  }

  private static JsonNode hash(Node node, long number) throws Exception {
    return node.result("eth_getBlockByNumber", "0x" + Long.toHexString(number), false).get("hash");
  }

  /**
   * Waits until nodes have so many more blocks than the longest chain of them has now; returns the
   * number of the latest block of that chain.
   */
  private static long awaitBlocks(List<Node> nodes, long count) throws Exception {
    long height = 0;
    for (Node node : nodes) {
      height = Math.max(height, number(node));
    }
    long target = height + count;
    for (Node node : nodes) {
      Journeys.await("block " + target + " of " + node.data, () -> number(node) >= target);
    }
    return height;
  }

  private void awaitPeers() throws Exception {
    String all = "0x" + Integer.toHexString(VALIDATORS - 1);
    for (Node node : nodes) {
      Journeys.await(
          "peers of " + node.data, () -> node.result("net_peerCount").asText().equals(all));
    }
  }

  /** Waits until a block that a node has sealed after this moment is in the chain of all. */
  private void awaitOwnBlock(Node node) throws Exception {
    String validator = network.validator(nodes.indexOf(node));
    long from = number(node) + 1;
    for (Node other : nodes) {
      Journeys.await(
          "a block of " + validator + " in " + other.data,
          () -> {
            long to = number(other);
            for (long number = from; number <= to; number++) {
              if (signer(other, number).equals(validator)) {
                return true;
              }
            }
            return false;
          });
    }
  }

  private static String signer(Node node, long number) throws Exception {
    return node.call("clique_getSigner", "0x" + Long.toHexString(number)).path("result").asText();
  }
}
