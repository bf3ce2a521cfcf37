// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.itests;

import static org.junit.jupiter.api.Assumptions.assumeTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;

/**
 * A rollup on this machine: anvil as L1, and op-nodes as they are published, each over a node. All
 * forks up to Jovian hold from the genesis on.
 */
final class OpStack implements AutoCloseable {
  private static final ObjectMapper JSON = new ObjectMapper();
  private static final long CHAIN_ID = 901;
  private static final long GAS_LIMIT = 60_000_000;
  private static final List<String> FORKS =
      List.of("regolith", "canyon", "ecotone", "fjord", "granite", "holocene", "isthmus", "jovian");

  /** An address of L1 at which the test has nothing. */
  private static final String NOTHING = "0x" + "00".repeat(18) + "de01";

  private final Path folder;
  private final String opNode;
  private final List<Process> processes = new ArrayList<>();
  private final int l1Port = Node.freePort();
  private JsonNode origin;

  /** An op-node with its RPC. */
  record OpNode(int port, Path log, Process process) {
    JsonNode result(String method, Object... params) throws Exception {
      return OpStack.result(port, method, params);
    }

    String output() throws Exception {
      return Files.readString(log);
    }

    /** Ends it. */
    void stop() throws Exception {
      process.destroy();
      if (!process.waitFor(30, TimeUnit.SECONDS)) {
        process.destroyForcibly();
      }
    }
  }

  /**
   * Starts L1, whose clock is behind that of the machine: a sequencer has so many seconds to catch
   * up, and builds as fast as it can.
   *
   * @param behindSeconds the age of the genesis
   */
  OpStack(Path folder, long behindSeconds) throws Exception {
    this.folder = folder;
    opNode = program("it.op-node", "op-node 1.18.1");
    String anvil = program("it.anvil", "anvil");
    long time = System.currentTimeMillis() / 1_000 - behindSeconds;
    List<String> line = new ArrayList<>(List.of(anvil, "--host", "127.0.0.1"));
    line.addAll(List.of("--port", "" + l1Port, "--chain-id", "900", "--block-time", "3"));
    line.addAll(List.of("--slots-in-an-epoch", "2", "--hardfork", "prague"));
    line.addAll(List.of("--timestamp", "" + time));
    try {
      start("anvil", line);
      Node.awaitPort(l1Port);
      Journeys.await("block 1 of L1", () -> Long.decode(l1("eth_blockNumber").asText()) > 0);
      origin = l1("eth_getBlockByNumber", "latest", false);
    } catch (Throwable failed) {
      close();
      throw failed;
    }
  }

  private static String program(String property, String name) {
    String program = System.getProperty(property);
    assumeTrue(
        Npm.works(program, "--version"),
        "SKIPPED: no program " + program + ": name " + name + " with -D" + property);
    return program;
  }

  private JsonNode l1(String method, Object... params) throws Exception {
    return result(l1Port, method, params);
  }

  private static JsonNode result(int port, String method, Object... params) throws Exception {
    JsonNode reply = Node.json(Node.post(port, Node.request(method, params)));
    if (reply.has("error") || !reply.has("result")) {
      throw new AssertionError(method + " failed: " + reply);
    }
    return reply.get("result");
  }

  private Process start(String name, List<String> line) throws Exception {
    Process process =
        new ProcessBuilder(line)
            .redirectErrorStream(true)
            .redirectOutput(folder.resolve(name + ".log").toFile())
            .start();
    processes.add(process);
    return process;
  }

  // ---- files

  /** Writes the genesis of the rollup, as geth has it. */
  Path genesis() throws Exception {
    ObjectNode config = JSON.createObjectNode();
    config.put("chainId", CHAIN_ID).put("bedrockBlock", 0).put("terminalTotalDifficulty", 0);
    putBlocks(config);
    List<String> times = new ArrayList<>(FORKS);
    times.addAll(List.of("shanghai", "cancun", "prague"));
    times.forEach(fork -> config.put(fork + "Time", 0));
    config.set("optimism", eip1559());
    ObjectNode out = JSON.createObjectNode();
    out.set("config", config);
    out.set("timestamp", origin.get("timestamp"));
    out.put("gasLimit", "0x" + Long.toHexString(GAS_LIMIT)).put("difficulty", "0x0");
    out.put("baseFeePerGas", "0x3b9aca00").put("nonce", "0x0");
    out.put("extraData", "0x01" + "000000fa" + "00000006" + "00".repeat(8));
    out.put("mixHash", EngineDriver.ZERO).put("coinbase", OpDriver.SEQUENCER_VAULT);
    out.put("excessBlobGas", "0x0").put("blobGasUsed", "0x0");
    ObjectNode alloc = out.putObject("alloc");
    alloc.putObject(Accounts.FIRST).put("balance", "0x21e19e0c9bab2400000");
    String slot = "0x" + "00".repeat(31) + "01";
    // op-node takes the root of an empty storage for none
    ObjectNode passer = alloc.putObject(OpDriver.MESSAGE_PASSER).put("balance", "0x0");
    passer.put("code", "0x43425500").putObject("storage").put(slot, slot);
    return write("genesis.json", out);
  }

  private static void putBlocks(ObjectNode config) {
    for (String fork :
        List.of(
            "homestead",
            "eip150",
            "eip155",
            "eip158",
            "byzantium",
            "constantinople",
            "petersburg",
            "istanbul",
            "muirGlacier",
            "berlin",
            "london",
            "arrowGlacier",
            "grayGlacier")) {
      config.put(fork + "Block", 0);
    }
    config.put("mergeNetsplitBlock", 0);
  }

  private static ObjectNode eip1559() {
    return JSON.createObjectNode()
        .put("eip1559Elasticity", 6)
        .put("eip1559Denominator", 50)
        .put("eip1559DenominatorCanyon", 250);
  }

  /** Writes what op-node has to know of L1. */
  private Path l1Config() throws Exception {
    ObjectNode out = JSON.createObjectNode();
    out.put("chainId", 900).put("terminalTotalDifficulty", 0);
    putBlocks(out);
    List.of("shanghai", "cancun", "prague", "osaka").forEach(fork -> out.put(fork + "Time", 0));
    ObjectNode blobs = out.putObject("blobSchedule");
    putBlobs(blobs, "cancun", 3, 6, 3_338_477);
    putBlobs(blobs, "prague", 6, 9, 5_007_716);
    putBlobs(blobs, "osaka", 6, 9, 5_007_716);
    return write("l1-config.json", out);
  }

  private static void putBlobs(ObjectNode to, String fork, int target, int max, int fraction) {
    to.putObject(fork).put("target", target).put("max", max).put("baseFeeUpdateFraction", fraction);
  }

  /** Writes the configuration of the rollup whose genesis a node has. */
  private Path rollup(Node node) throws Exception {
    JsonNode first = node.result("eth_getBlockByNumber", "0x0", false);
    ObjectNode out = JSON.createObjectNode();
    ObjectNode genesis = out.putObject("genesis");
    genesis
        .putObject("l1")
        .put("hash", origin.get("hash").asText())
        .put("number", Long.decode(origin.get("number").asText()));
    genesis.putObject("l2").put("hash", first.get("hash").asText()).put("number", 0);
    genesis.put("l2_time", Long.decode(first.get("timestamp").asText()));
    genesis
        .putObject("system_config")
        .put("batcherAddr", NOTHING)
        .put("overhead", EngineDriver.ZERO)
        .put("scalar", "0x01" + "00".repeat(23) + "000f79b5" + "0000146b")
        .put("gasLimit", GAS_LIMIT)
        .put("eip1559Params", "0x" + "00".repeat(8))
        .put("operatorFeeParams", EngineDriver.ZERO)
        .put("minBaseFee", 0)
        .put("daFootprintGasScalar", 0);
    out.put("block_time", 1).put("max_sequencer_drift", 1_800).put("seq_window_size", 3_600);
    out.put("channel_timeout", 300).put("l1_chain_id", 900).put("l2_chain_id", CHAIN_ID);
    for (String address :
        List.of(
            "batch_inbox_address",
            "deposit_contract_address",
            "l1_system_config_address",
            "protocol_versions_address")) {
      out.put(address, NOTHING);
    }
    FORKS.forEach(fork -> out.put(fork + "_time", 0));
    out.put("delta_time", 0);
    out.set("chain_op_config", eip1559());
    return write("rollup.json", out);
  }

  private Path write(String name, JsonNode json) throws Exception {
    return Files.writeString(folder.resolve(name), json.toString());
  }

  // ---- processes

  /** Starts an op-node over a node, and waits for its RPC. */
  OpNode start(String name, Node node, String... more) throws Exception {
    int port = Node.freePort();
    List<String> line = new ArrayList<>(List.of(opNode, "--l1", "http://127.0.0.1:" + l1Port));
    line.addAll(List.of("--l1.beacon.ignore", "--l1.rpckind", "basic", "--l1.trustrpc"));
    line.addAll(List.of("--l1.http-poll-interval", "500ms", "--l1.epoch-poll-interval", "2s"));
    line.addAll(List.of("--l2", "http://127.0.0.1:" + node.enginePort));
    line.addAll(List.of("--l2.jwt-secret", node.data.resolve("jwt.hex").toString()));
    line.addAll(List.of("--rollup.config", rollup(node).toString()));
    line.addAll(List.of("--rollup.l1-chain-config", l1Config().toString()));
    line.addAll(List.of("--p2p.disable", "--rpc.addr", "127.0.0.1", "--rpc.port", "" + port));
    line.addAll(List.of("--verifier.l1-confs", "0", "--log.level", "info"));
    line.addAll(List.of(more));
    Process process = start(name, line);
    Node.awaitPort(port);
    return new OpNode(port, folder.resolve(name + ".log"), process);
  }

  @Override
  public void close() throws Exception {
    for (int i = processes.size() - 1; i >= 0; i--) {
      Process process = processes.get(i);
      process.destroy();
      if (!process.waitFor(30, TimeUnit.SECONDS)) {
        process.destroyForcibly();
      }
    }
  }
}
