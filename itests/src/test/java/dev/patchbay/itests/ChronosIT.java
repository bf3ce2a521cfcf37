// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.itests;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import com.fasterxml.jackson.databind.JsonNode;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.regex.MatchResult;
import java.util.regex.Pattern;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.MethodOrderer;
import org.junit.jupiter.api.Order;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestMethodOrder;
import org.junit.jupiter.api.io.TempDir;

/** Two nodes that have Chronos alone: a validator, and one without a key that follows it. */
@TestMethodOrder(MethodOrderer.OrderAnnotation.class)
class ChronosIT {
  private static final String NAMESPACES = "eth,net,web3,txpool,chronos";
  private static final Path GENESIS = Node.ROOT.resolve("karaf-assembly/src/main/dev/genesis.json");

  /** Blocks that the follower pulls: more than it requests at a time. */
  static final int BLOCKS = Integer.getInteger("it.chronos.blocks", 70);

  private static final Pattern THREAD = Pattern.compile("(?m)^\"(p2p-chronos-[^\"]+)\"");

  @TempDir static Path folder;
  private static int port;
  private static Node validator;
  private static Node follower;
  private static long nonce;

  @BeforeAll
  static void start() throws Exception {
    port = Node.freePort();
    validator = new Node(folder.resolve("validator")).quick();
    follower = new Node(folder.resolve("follower"), "run").quick().withoutConsensusClient();
    startValidator();
    assertThat(validator.output()).contains("chronos    127.0.0.1:" + port);
  }

  @AfterAll
  static void stop() throws Exception {
    follower.close();
    validator.close();
  }

  private static void startValidator() throws Exception {
    validator.start("--namespaces", NAMESPACES, "--chronos", "127.0.0.1:" + port);
  }

  private static void startFollower() throws Exception {
    follower.start(
        "--genesis",
        GENESIS.toString(),
        "--namespaces",
        NAMESPACES,
        "--p2p",
        "off",
        "--chronos-peers",
        "127.0.0.1:" + port);
  }

  private static void sealBlocks(int count) throws Exception {
    for (int i = 0; i < count; i++) {
      Journeys.mine(validator, Accounts.transfer(0, nonce++));
    }
  }

  private static JsonNode head(Node node) throws Exception {
    return node.result("eth_getBlockByNumber", "latest", false).get("hash");
  }

  private static long number(Node node) throws Exception {
    return Long.decode(node.result("eth_blockNumber").asText());
  }

  private static void awaitHead() throws Exception {
    Journeys.awaitNumber("blocks", () -> number(follower), number(validator));
    Journeys.await("the head of the validator", () -> head(follower).equals(head(validator)));
  }

  private static void awaitPeers() throws Exception {
    for (Node node : new Node[] {validator, follower}) {
      Journeys.await("a peer", () -> node.result("chronos_peers").size() == 1);
    }
  }

  /** Blocks are pulled from the first one on; then each new one comes with its transactions. */
  @Test
  @Order(1)
  void aNodeJoinsByPullingAndFollows() throws Exception {
    sealBlocks(BLOCKS);
    startFollower();
    awaitHead();
    awaitPeers();
    JsonNode peer = follower.result("chronos_peers").get(0);
    assertThat(peer.get("peer").asText()).isEqualTo("127.0.0.1:" + port);
    assertThat(peer.get("inbound").asBoolean()).isFalse();
    assertThat(validator.result("chronos_peers").get(0).get("inbound").asBoolean()).isTrue();
    assertThat(follower.result("net_peerCount").asText()).isEqualTo("0x1");
    assertThat(follower.shell("peer:list").output())
        .contains("chronos: 1 peer of at most 25 (0 inbound, 1 dialed)")
        .contains("127.0.0.1:" + port);
    assertThat(validator.shell("patchbay:status").output()).contains("chronos    1 peer");
    for (int i = 0; i < 5; i++) {
      String hash = validator.send(Accounts.transfer(0, nonce++));
      JsonNode receipt = Journeys.receipt(validator, hash);
      assertThat(Journeys.receipt(follower, hash)).isEqualTo(receipt);
    }
    awaitHead();
  }

  @Test
  @Order(2)
  void bothSidesAreKilledAndNoBlockIsMissed() throws Exception {
    follower.kill();
    sealBlocks(20);
    startFollower();
    awaitHead();
    validator.kill();
    startValidator();
    sealBlocks(3);
    awaitHead();
    long number = number(follower);
    assertThat(number).isEqualTo(nonce);
    for (long i = 0; i <= number; i++) {
      String block = "0x" + Long.toHexString(i);
      assertThat(follower.result("eth_getBlockByNumber", block, true))
          .isEqualTo(validator.result("eth_getBlockByNumber", block, true));
    }
  }

  /** Stopped, started, updated, uninstalled and installed again on both sides. */
  @Test
  @Order(3)
  void theBundleIsReplacedWhileItIsUsed() throws Exception {
    for (Node node : new Node[] {validator, follower}) {
      Swaps swaps = new Swaps(node);
      swaps.shell(
          "feature:install patchbay-p2p-chronos patchbay-sync; feature:uninstall patchbay-p2p");
      swaps.round("p2p-chronos");
      awaitPeers();
      sealBlocks(2);
      awaitHead();
      swaps.oldLoadersAreCollected("dev.patchbay.p2p.chronos");
      assertThat(
              THREAD
                  .matcher(node.jcmd("Thread.print"))
                  .results()
                  .map((MatchResult m) -> m.group(1)))
          .as("threads of one network")
          .contains("p2p-chronos-watch-0")
          .doesNotHaveDuplicates();
    }
  }

  /** The conformance kit, which shares no code with the node, against both roles of a node. */
  @Test
  @Order(4)
  void theKitPassesAgainstARunningNode() throws Exception {
    List<String> command =
        new ArrayList<>(
            List.of("chronos-tck", "127.0.0.1:" + port, "--genesis", GENESIS.toString()));
    if (Boolean.getBoolean("it.matrix")) {
      command.add("--hostile");
    }
    Node.Result kit = Node.launcher(Map.of(), command);
    assertThat(kit.status()).as(kit.output()).isZero();
    assertThat(kit.output().lines().filter(line -> line.startsWith("pass"))).hasSizeGreaterThan(20);
    sealBlocks(2);
    awaitHead();
  }

  /** The example in Python, another implementation, pulls the chain and checks each block. */
  @Test
  @Order(5)
  void thePythonPeerPullsTheChain() throws Exception {
    assumeTrue(
        Npm.works("python3", "-c", "import sys; sys.exit(sys.version_info < (3, 8))"),
        "SKIPPED: the peer in Python needs Python 3.8: apt-get install python3");
    Path genesis = folder.resolve("block-0.json");
    Files.writeString(genesis, validator.result("eth_getBlockByNumber", "0x0", false).toString());
    List<String> blocks = new ArrayList<>();
    for (long i = 0, head = number(validator); i <= head; i++) {
      JsonNode block = validator.result("eth_getBlockByNumber", "0x" + Long.toHexString(i), false);
      blocks.add("block " + i + " " + block.get("hash").asText());
    }
    Path printed = folder.resolve("python-peer.txt");
    Process peer =
        new ProcessBuilder(
                "python3",
                "-B",
                Node.ROOT.resolve("examples/chronos-peer/chronos_peer.py").toString(),
                "--dial",
                "127.0.0.1:" + port,
                "--genesis",
                genesis.toString())
            .redirectErrorStream(true)
            .redirectOutput(printed.toFile())
            .start();
    try {
      Journeys.awaitNumber(
          "blocks of the peer", () -> (long) Files.readAllLines(printed).size(), blocks.size());
    } finally {
      peer.destroy();
      peer.waitFor();
    }
    assertThat(Files.readAllLines(printed)).startsWith(blocks.toArray(String[]::new));
    assertThat(blocks.get(blocks.size() - 1)).endsWith(head(validator).asText());
  }

  private static void configure(Node node, List<String> certificate, String... more)
      throws Exception {
    List<String> lines = new ArrayList<>(certificate);
    lines.addAll(List.of(more));
    Files.write(node.data.resolve("etc/dev.patchbay.p2p.chronos.cfg"), lines);
  }

  private static void awaitLog(Node node, String text) throws Exception {
    Path log = node.data.resolve("logs/karaf.log");
    Journeys.await(text, () -> Files.readString(log).contains(text));
  }

  /** With a certificate of another authority, then one that has expired, the node is refused. */
  @Test
  @Order(6)
  void overTlsNodesFollowThoseTheyTrust() throws Exception {
    Certificates own = new Certificates(folder.resolve("certificates"));
    own.add("validator", "-1d", 5).add("follower", "-1d", 5).add("expired", "-5d", 2);
    Certificates foreign = new Certificates(folder.resolve("foreign")).add("follower", "-1d", 5);
    follower.kill();
    validator.kill();
    validator.start("--namespaces", NAMESPACES);
    configure(validator, own.configuration("validator", own), "port = " + port);
    follower.start("--genesis", GENESIS.toString(), "--namespaces", NAMESPACES, "--p2p", "off");
    String[] options = {"port = -1", "peers = 127.0.0.1:" + port};
    configure(follower, own.configuration("follower", own), options);
    awaitPeers();
    sealBlocks(2);
    awaitHead();

    configure(follower, foreign.configuration("follower", own), options);
    awaitLog(validator, "chronos: no TLS connection with peer 127.0.0.1:");
    awaitLog(validator, ": no certificate in tls.trust has signed the one of the peer");
    assertThat(validator.result("chronos_peers")).isEmpty();
    assertThat(follower.result("chronos_peers")).isEmpty();
    sealBlocks(2);

    configure(follower, own.configuration("expired", own), options);
    awaitLog(follower, "chronos does not start: tls.certificate: the certificate in ");
    Node.Result doctor = follower.shell("patchbay:doctor");
    assertThat(doctor.output()).contains("expired.pem has expired on ");
    assertThat(doctor.status()).isEqualTo(1);

    configure(follower, own.configuration("follower", own), options);
    awaitPeers();
    awaitHead();
    assertThat(validator.result("chronos_peers").size()).isEqualTo(1);
    for (Node node : List.of(validator, follower)) {
      assertThat(node.data.resolve("logs/karaf.log")).content().doesNotContain("PRIVATE KEY");
      assertThat(node.shell("patchbay:doctor").status()).isZero();
    }
  }
}
