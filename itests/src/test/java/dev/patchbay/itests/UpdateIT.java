// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.itests;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import dev.patchbay.itests.UpdateLoad.Request;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.locks.LockSupport;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.api.parallel.Isolated;

/** Bundles are updated while clients use them: no request fails, no event is missed. */
@Isolated
class UpdateIT {
  static final String NAMESPACES = "eth,net,web3,rpc,txpool,debug,trace,admin,miner,clique,chronos";
  private static final String SECOND = "0x70997970c51812dc3a010c7d01b50e0d17dc79c8";

  /** Adds a peer that does not answer. */
  private static final String ADD_PEER =
      "peer:add --network devp2p enode://1b84c5567b126440995d3ed5aaba0565d71e1834604819ff9c17f5e9d5dd078f"
          + "70beaf8f588b541507fed6a642c5ab42dfdf8120a7f639de5122d47a69a8e8d1@127.0.0.1:1";

  /** JUMPDEST, PUSH0, JUMP: until the gas is used. */
  private static final Map<String, Object> OVERRIDES =
      Map.of("stateOverrides", Map.of(SECOND, Map.of("code", "0x5b5f56")));

  @TempDir Path folder;

  private static Request traced(String tracer, Map<String, Object> config) {
    return Request.of(
        "debug_traceBlockByNumber", "latest", Map.of("tracer", tracer, "tracerConfig", config));
  }

  /** Returns requests of each namespace of a development chain. */
  static List<Request> requests() {
    Map<String, Object> transfer = Map.of("from", Accounts.FIRST, "to", SECOND, "value", "0x1");
    return List.of(
        Request.of("eth_getBalance", Accounts.FIRST, "latest"),
        Request.of("eth_getBlockByNumber", "latest", true),
        Request.of("eth_call", transfer, "latest"),
        Request.of("eth_estimateGas", transfer),
        Request.of("eth_getLogs", Map.of("fromBlock", "latest")),
        Request.of("eth_feeHistory", "0x4", "latest", List.of(25, 75)),
        Request.of("eth_getTransactionCount", Accounts.FIRST, "pending"),
        Request.of("eth_simulateV1", Map.of("blockStateCalls", List.of(Map.of())), "latest"),
        Request.of("eth_getProof", Accounts.FIRST, List.of(), "latest"),
        Request.of("net_version"),
        Request.of("web3_clientVersion"),
        Request.of("rpc_modules"),
        Request.of("txpool_status"),
        Request.of("txpool_content"),
        Request.of("admin_nodeInfo"),
        Request.of("miner_setGasPrice", "0x0"),
        Request.of("clique_status"),
        Request.of("clique_getSigners", "latest"),
        Request.of("net_peerCount"),
        Request.of("trace_block", "latest"),
        Request.of("debug_getRawBlock", "latest"),
        Request.of("debug_traceBlockByNumber", "latest", Map.of()),
        Request.of("debug_traceCall", Map.of("to", SECOND, "gas", "0x186a0"), "latest", OVERRIDES),
        traced("callTracer", Map.of()),
        traced("flatCallTracer", Map.of()),
        traced("prestateTracer", Map.of()),
        traced("4byteTracer", Map.of()),
        traced("noopTracer", Map.of()),
        traced("muxTracer", Map.of("callTracer", Map.of(), "4byteTracer", Map.of())),
        traced("erc7562Tracer", Map.of()),
        traced("callTracerLegacy", Map.of()));
  }

  @Test
  void clientsOfACliqueChainNoticeNothing() throws Exception {
    List<String> bundles =
        List.of(
            "rpc-eth",
            "rpc-net",
            "rpc-debug",
            "rpc-txpool",
            "rpc-trace",
            "rpc-admin",
            "rpc-miner",
            "rpc-clique",
            "tracers",
            "tracer-struct",
            "tracer-call",
            "tracer-flat",
            "tracer-prestate",
            "tracer-fourbyte",
            "tracer-noop",
            "tracer-mux",
            "tracer-erc7562",
            "tracer-js",
            "log-index",
            "cache-redis",
            "consensus-poa",
            "evm-engine",
            "execution",
            "payload",
            "txpool",
            "chain",
            "storage",
            "storage-rocksdb",
            "rpc-server",
            "p2p-snap",
            "p2p-eth",
            "p2p-devp2p",
            "p2p-chronos",
            "rpc-chronos",
            "sync",
            "peers",
            "health",
            "shell");
    try (Node node = new Node(folder.resolve("node"));
        RedisServer redis = new RedisServer()) {
      node.start(
          "--storage",
          "rocksdb",
          "--namespaces",
          NAMESPACES,
          "--p2p-port",
          "0",
          "--chronos",
          "127.0.0.1:" + Node.freePort());
      if (RedisServer.isInstalled()) {
        redis.start();
        Files.writeString(
            node.data.resolve("etc/dev.patchbay.cache.redis.cfg"), "port = " + redis.port + "\n");
      }
      assertThat(node.shell("feature:install", "patchbay-cache-redis").status()).isZero();
      List<Request> all = new ArrayList<>(requests());
      all.add(Request.of("chronos_peers"));
      UpdateLoad load = new UpdateLoad(node, all);
      node.result("miner_setExtra", "as set");
      node.result("clique_propose", SECOND, false); // no signer: a vote that is kept, not cast
      assertThat(node.shell(ADD_PEER).output()).contains("added, and dialed");
      assertThat(node.result("chronos_addPeer", "127.0.0.1:1").asBoolean()).isTrue();
      load.sendTransfers().followHeads().followTransactions().awaitHead(2).start();
      List<String> rows = updateAll(node, load, bundles, 60);
      assertThat(node.result("clique_proposals").toString())
          .isEqualTo("{\"" + SECOND + "\":false}");
      assertThat(node.result("eth_getBlockByNumber", "latest", false).get("extraData").asText())
          .startsWith("0x" + HexFormat.of().formatHex("as set".getBytes(StandardCharsets.UTF_8)));
      assertThat(node.shell(ADD_PEER).output()).contains("was added before");
      assertThat(node.result("chronos_addPeer", "127.0.0.1:1").asBoolean()).isFalse();
      String table = System.getProperty("it.table");
      if (table != null) {
        write(Node.ROOT.resolve(table), rows);
      }
    }
  }

  /** Updates bundles one after the other under a load, which ends; returns what clients saw. */
  private static List<String> updateAll(Node node, UpdateLoad load, List<String> all, int requests)
      throws Exception {
    List<String> bundles = new ArrayList<>(all);
    String chosen = System.getProperty("it.bundles");
    if (chosen != null) { // to look for the cause of what is rare
      bundles.retainAll(List.of(chosen.split(",")));
    }
    Swaps swaps = new Swaps(node);
    try (load) {
      load.awaitRequests(5 * requests); // code is compiled, caches are filled
      for (int i = 0; i < Integer.getInteger("it.updates", 1); i++) {
        for (String name : bundles) {
          load.during(name);
          String command = "bundle:update dev.patchbay." + name.replace('-', '.');
          if (name.equals("shell")) { // it ends under the command
            node.shell(command);
          } else {
            swaps.shell(command);
          }
          load.awaitRequests(requests);
        }
      }
      load.during("");
      load.awaitRequests(requests);
    }
    List<String> rows = new ArrayList<>();
    for (String name : bundles) {
      UpdateLoad.Seen seen = load.seen(name);
      rows.add(
          String.format(
              "| `%s` | %d | %d | %d | %.0f |",
              name, seen.requests(), seen.repeated.get(), seen.longestMillis(), seen.p999Millis()));
    }
    rows.forEach(System.out::println);
    bundles.forEach(name -> load.seen(name).slow().forEach(System.out::println));
    assertThat(load.failures()).as(node.warnings()).isEmpty();
    return rows;
  }

  @Test
  void aConsensusClientNoticesNothing() throws Exception {
    try (Node node = new Node(folder.resolve("driven"), "run")) {
      node.start(
          "--genesis",
          EngineDriver.genesis(folder).toString(),
          "--namespaces",
          "eth,net,web3,debug,testing");
      EngineDriver driver = EngineDriver.of(node);
      driver.adopt(driver.build(EngineDriver.OSAKA));
      UpdateLoad load =
          new UpdateLoad(
              node,
              List.of(
                  Request.of("eth_getBlockByNumber", "latest", true),
                  Request.of("eth_getBalance", Accounts.FIRST, "latest"),
                  traced("callTracer", Map.of())));
      load.repeat("update-proposer", () -> propose(driver)).repeat("update-test", () -> test(node));
      load.sendTransfers().followHeads().start();
      updateAll(
          node,
          load,
          List.of(
              "rpc-engine",
              "rpc-testing",
              "consensus-engine",
              "payload",
              "txpool",
              "evm-engine",
              "execution",
              "chain",
              "storage-rocksdb"),
          30);
      assertThat(node.result("eth_getBlockByNumber", "latest", false).get("hash").asText())
          .isEqualTo(driver.head);
    }
  }

  /** Has a block built, for as long as a bundle may be updated meanwhile, and makes it the head. */
  private static void propose(EngineDriver driver) throws Exception {
    long time = driver.time + 12;
    String id = driver.start(EngineDriver.attributes(time));
    LockSupport.parkNanos(TimeUnit.MILLISECONDS.toNanos(200));
    driver.adopt(driver.fetch(id, time));
  }

  /** Has a block built on the head, which is not imported. */
  private static void test(Node node) throws Exception {
    JsonNode head = node.result("eth_getBlockByNumber", "latest", false);
    long time = Long.decode(head.get("timestamp").asText()) + 12;
    String parent = head.get("hash").asText();
    node.result("testing_buildBlockV1", parent, EngineDriver.attributes(time), List.of());
  }

  @Test
  void aSequencerNoticesNothing() throws Exception {
    try (Node node = new Node(folder.resolve("rollup"), "run")) {
      node.start("--genesis", OpDriver.genesis(folder).toString(), "--storage", "mapdb");
      OpDriver driver = OpDriver.of(node);
      AtomicLong at = new AtomicLong(OpDriver.begin("ecotone"));
      UpdateLoad load =
          new UpdateLoad(
              node,
              List.of(
                  Request.of("eth_getBlockByNumber", "latest", true),
                  Request.of("eth_getBalance", Accounts.FIRST, "latest")));
      load.repeat("update-sequencer", () -> seal(driver, at.getAndIncrement())).followHeads();
      load.awaitHead(2).start();
      updateAll(
          node,
          load,
          List.of(
              "op-consensus",
              "op-engine",
              "rpc-engine",
              "payload",
              "execution",
              "chain",
              "storage-mapdb"),
          30);
      assertThat(node.result("eth_getBlockByNumber", "latest", false).get("hash").asText())
          .isEqualTo(driver.head);
    }
  }

  /**
   * Has a block built and made the head: as op-bnb until Isthmus, which ends that, then as op-node.
   */
  private static void seal(OpDriver driver, long at) throws Exception {
    String id = driver.start(driver.attributes(at, true));
    LockSupport.parkNanos(TimeUnit.MILLISECONDS.toNanos(200));
    if (OpDriver.is("isthmus", at)) {
      driver.adopt(driver.fetch(id, at));
      return;
    }
    JsonNode reply = driver.seal(id, at, EngineDriver.ZERO, false);
    JsonNode status = reply.at("/result/payloadStatus");
    assertThat(status.path("status").asText()).as("" + reply).isEqualTo("VALID");
    driver.standsAt(status.get("latestValidHash").asText(), at);
  }

  /** Writes the rows of the table between its head and its end. */
  private static void write(Path file, List<String> rows) throws IOException {
    String text = Files.readString(file);
    int head = text.indexOf("|---|", text.indexOf("<!-- updates"));
    int from = text.indexOf('\n', head) + 1;
    int to = text.indexOf("<!-- end -->", from);
    assertThat(to).as("the end of the table").isGreaterThan(0);
    Files.writeString(
        file, text.substring(0, from) + String.join("\n", rows) + "\n" + text.substring(to));
  }
}
