// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.itests;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import dev.patchbay.primitives.Transaction;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * Methods that the conversations of execution-apis and the tools do not ask for, each against what
 * is known of a development chain.
 */
class RpcMethodsIT {
  private static final String SECOND = "0x70997970c51812dc3a010c7d01b50e0d17dc79c8";

  @TempDir static Path folder;
  private static Node node;
  private static String created;
  private static String contract;
  private static String called;
  private static JsonNode block;

  @BeforeAll
  static void start() throws Exception {
    node = new Node(folder.resolve("node")).quick();
    node.start("--namespaces", "eth,net,web3,rpc,txpool,debug,trace,admin,miner,clique,testing");
    Sample sample = Sample.on(node);
    created = sample.created();
    contract = sample.contract();
    called = sample.called();
    block = sample.block();
  }

  @AfterAll
  static void stop() throws Exception {
    node.close();
  }

  private static String text(String method, Object... params) throws Exception {
    return node.result(method, params).asText();
  }

  private static JsonNode error(String method, Object... params) throws Exception {
    return node.call(method, params).get("error");
  }

  @Test
  void smallNamespaces() throws Exception {
    assertThat(text("web3_clientVersion")).startsWith("Patchbay/v");
    assertThat(text("web3_sha3", "0x"))
        .isEqualTo("0xc5d2460186f7233c927e7db2dcc703c0e500b653ca82273b7bfad8045d85a470");
    assertThat(text("net_version")).isEqualTo("1337");
    assertThat(node.result("net_listening").asBoolean()).isFalse();
    assertThat(text("net_peerCount")).isEqualTo("0x0");
    assertThat(node.result("rpc_modules").has("trace")).isTrue();
    assertThat(node.result("eth_accounts")).isEmpty();
    assertThat(node.result("eth_syncing").asBoolean()).isFalse();
    assertThat(node.result("eth_mining").asBoolean()).isTrue();
    assertThat(text("eth_hashrate")).isEqualTo("0x0");
    assertThat(text("eth_protocolVersion")).startsWith("0x");
    assertThat(node.result("eth_getBlockByNumber", "earliest", false).get("extraData").asText())
        .as("the signers in the genesis")
        .contains(text("eth_coinbase").substring(2));
  }

  @Test
  void blocksAndTransactions() throws Exception {
    String hash = block.get("hash").asText();
    String number = block.get("number").asText();
    JsonNode header = node.result("eth_getHeaderByHash", hash);
    assertThat(header).isEqualTo(node.result("eth_getHeaderByNumber", number));
    assertThat(header.get("stateRoot")).isEqualTo(block.get("stateRoot"));
    assertThat(text("eth_getUncleCountByBlockHash", hash)).isEqualTo("0x0");
    assertThat(text("eth_getUncleCountByBlockNumber", number)).isEqualTo("0x0");
    assertThat(node.result("eth_getUncleByBlockHashAndIndex", hash, "0x0").isNull()).isTrue();
    assertThat(node.result("eth_getUncleByBlockNumberAndIndex", number, "0x0").isNull()).isTrue();
    String raw = Accounts.raw(Accounts.call(0, 1, contract, "0x"));
    assertThat(text("eth_getRawTransactionByHash", called)).isEqualTo(raw);
    assertThat(text("eth_getRawTransactionByBlockHashAndIndex", hash, "0x0")).isEqualTo(raw);
    assertThat(text("eth_getRawTransactionByBlockNumberAndIndex", number, "0x0")).isEqualTo(raw);
    assertThat(node.result("eth_getRawTransactionByBlockNumberAndIndex", number, "0x1").isNull())
        .isTrue();
    assertThat(text("debug_getRawTransaction", called)).isEqualTo(raw);
    assertThat(
            node.result("eth_getTransactionBySenderAndNonce", Accounts.FIRST, "0x1")
                .get("hash")
                .asText())
        .isEqualTo(called);
    assertThat(node.result("eth_getTransactionBySenderAndNonce", SECOND, "0x9").isNull()).isTrue();
    assertThat(node.result("eth_getBlockAccessList", number).isNull()).isTrue();
    assertThat(node.result("debug_getRawBlockAccessList", number).isNull()).isTrue();
    assertThat(node.result("eth_pendingTransactions")).isEmpty();
  }

  @Test
  void feesAndLimits() throws Exception {
    assertThat(Long.decode(text("eth_gasPrice"))).isPositive();
    assertThat(Long.decode(text("eth_maxPriorityFeePerGas"))).isPositive();
    JsonNode config = node.result("eth_config");
    assertThat(config.at("/current/precompiles/P256VERIFY").asText()).endsWith("0100");
    assertThat(config.get("next").isNull()).isTrue();
    JsonNode kept = node.result("eth_capabilities");
    assertThat(kept.at("/state/oldestBlock").asText()).isEqualTo("0x0");
    assertThat(kept.at("/state/deleteStrategy").isMissingNode()).isTrue();
  }

  @Test
  void transactionsAreFilledIn() throws Exception {
    JsonNode filled =
        node.result("eth_fillTransaction", Map.of("from", SECOND, "to", contract, "value", "0x0"));
    assertThat(filled.at("/tx/nonce").asText()).isEqualTo("0x0");
    assertThat(filled.at("/tx/chainId").asText()).isEqualTo("0x539");
    assertThat(filled.at("/tx/type").asText()).isEqualTo("0x2");
    assertThat(Long.decode(filled.at("/tx/gas").asText())).isGreaterThan(21_000);
    assertThat(Transaction.decode(bytes(filled.get("raw").asText())).to()).hasToString(contract);
    assertThat(error("eth_fillTransaction", Map.of("chainId", "0x1")).get("code").asInt())
        .isEqualTo(-32602);
  }

  private static byte[] bytes(String hex) {
    return HexFormat.of().parseHex(hex.substring(2));
  }

  @Test
  void aTransactionIsSentAndWaitedFor() throws Exception {
    JsonNode receipt =
        node.result("eth_sendRawTransactionSync", Accounts.raw(Accounts.transfer(3, 0)), 5_000);
    assertThat(receipt.get("status").asText()).isEqualTo("0x1");
    Transaction waits = Accounts.transfer(3, 7);
    JsonNode error = error("eth_sendRawTransactionSync", Accounts.raw(waits), 50);
    assertThat(error.get("code").asInt()).isEqualTo(4);
    assertThat(error.get("data").asText()).isEqualTo(waits.hash().toString());
    String sender = String.valueOf(waits.sender());
    assertThat(node.result("txpool_contentFrom", sender).at("/queued/7/hash").asText())
        .isEqualTo(waits.hash().toString());
    assertThat(node.result("txpool_status").get("queued").asText()).isEqualTo("0x1");
    String checksum = waits.sender() == null ? "" : waits.sender().toChecksumString();
    assertThat(node.result("txpool_content").at("/queued/" + checksum + "/7/nonce").asText())
        .isEqualTo("0x7");
    assertThat(node.result("txpool_inspect").at("/queued/" + checksum + "/7").asText())
        .contains("1 wei + 21000 gas");
    assertThat(text("debug_clearTxpool")).isEqualTo("0x1");
    assertThat(node.result("txpool_status").get("queued").asText()).isEqualTo("0x0");
  }

  @Test
  void poolErrorsHaveCodesOfTheirOwn() throws Exception {
    JsonNode low = error("eth_sendRawTransaction", Accounts.raw(Accounts.transfer(0, 0)));
    assertThat(low.get("code").asInt()).isEqualTo(-32001);
    assertThat(low.get("message").asText()).startsWith("nonce too low");
    assertThat(low.at("/data/reason").asText()).isEqualTo("NONCE_TOO_LOW");
    assertThat(low.at("/data/standard").asInt()).isEqualTo(1);
    JsonNode funds =
        error("eth_sendRawTransaction", Accounts.raw(Accounts.transfer(Accounts.POOR, 0)));
    assertThat(funds.get("code").asInt()).isEqualTo(-32002);
  }

  @Test
  void tracersOfEveryKind() throws Exception {
    for (String tracer :
        List.of(
            "callTracer",
            "flatCallTracer",
            "prestateTracer",
            "4byteTracer",
            "noopTracer",
            "erc7562Tracer",
            "callTracerLegacy")) {
      JsonNode trace = node.result("debug_traceTransaction", called, Map.of("tracer", tracer));
      assertThat(trace.isNull()).as(tracer).isFalse();
    }
    JsonNode calls = node.result("debug_traceTransaction", called, Map.of("tracer", "callTracer"));
    assertThat(calls.get("calls")).hasSize(1);
    JsonNode both =
        node.result(
            "debug_traceTransaction",
            called,
            Map.of(
                "tracer",
                "muxTracer",
                "tracerConfig",
                Map.of("callTracer", Map.of(), "prestateTracer", Map.of("diffMode", true))));
    assertThat(both.get("callTracer")).isEqualTo(calls);
    assertThat(both.at("/prestateTracer/post/" + contract + "/storage")).hasSize(1);
    JsonNode counted =
        node.result(
            "debug_traceTransaction",
            called,
            Map.of(
                "tracer",
                "{n: 0, step: function() { this.n++; }, fault: function() {}, result: function() { return this.n; }}"));
    assertThat(counted.asInt())
        .isEqualTo(node.result("debug_traceTransaction", called).get("structLogs").size());
    JsonNode endless =
        error(
            "debug_traceTransaction",
            called,
            Map.of(
                "tracer",
                "{step: function() { while (true) {} }, fault: function() {}, result: function() {}}"));
    assertThat(endless.get("message").asText()).contains("steps");
    assertThat(
            error("debug_traceTransaction", called, Map.of("tracer", "nosuchTracer"))
                .get("message")
                .asText())
        .contains("nosuchTracer", "callTracer@");
  }

  /** Code that is hot runs in another form: its traces have the same frames, logs and errors. */
  @Test
  void tracesStayTheSameWhenCodeIsHot() throws Exception {
    // memory for 5,127 gas, a call of an account, and logs that the rest does not pay
    String runtime = "6180005150" + "5f5f5f5f5f61beef5af150" + "5f5fa0".repeat(20);
    int length = runtime.length() / 2;
    String init = String.format("60%02x600a5f3960%02x5ff3", length, length);
    String sent = node.send(Accounts.create(4, 0, init + runtime));
    String target = Journeys.receipt(node, sent).get("contractAddress").asText();
    Map<String, Object> call = Map.of("from", SECOND, "to", target, "gas", "0x7530");
    Map<String, Object> logs = Map.of("withLog", true);
    List<Object[]> requests =
        List.of(
            new Object[] {
              "debug_traceCall",
              call,
              "latest",
              Map.of("tracer", "callTracer", "tracerConfig", logs)
            },
            new Object[] {"debug_traceCall", call, "latest", Map.of("tracer", "flatCallTracer")},
            new Object[] {"debug_traceCall", call, "latest", Map.of("tracer", "4byteTracer")},
            new Object[] {"trace_call", call, List.of("trace"), "latest"});
    List<JsonNode> cold = answers(requests);
    assertThat(cold.get(0).get("error").asText()).isEqualTo("out of gas");
    assertThat(cold.get(0).get("calls")).hasSize(1);
    assertThat(cold.get(1)).hasSize(2);
    for (int times = 0; times < 40; times++) {
      assertThat(answers(requests)).as("repetition %d", times).isEqualTo(cold);
    }
    Map<String, Object> several = Map.of("callTracer", logs, "prestateTracer", Map.of());
    Map<String, Object> ofSteps = Map.of("tracer", "muxTracer", "tracerConfig", several);
    assertThat(node.result("debug_traceCall", call, "latest", ofSteps).get("callTracer"))
        .isEqualTo(cold.get(0));
  }

  private static List<JsonNode> answers(List<Object[]> requests) throws Exception {
    List<JsonNode> answers = new ArrayList<>();
    for (Object[] request : requests) {
      Object[] params = Arrays.copyOfRange(request, 1, request.length);
      answers.add(node.result((String) request[0], params));
    }
    return answers;
  }

  @Test
  void receiptsAreSentWhenTheyAreThere() throws Exception {
    Transaction wanted = Accounts.transfer(2, 1);
    try (WebSocketClient socket = WebSocketClient.to(node.wsPort)) {
      Map<String, Object> hashes = Map.of("transactionHashes", List.of(wanted.hash().toString()));
      assertThat(socket.ask(Node.request("eth_subscribe", "transactionReceipts", hashes)))
          .contains("\"result\"");
      node.send(Accounts.transfer(2, 0));
      node.send(wanted);
      JsonNode receipts = Node.json(socket.next()).at("/params/result");
      assertThat(receipts).hasSize(1);
      assertThat(receipts.at("/0/transactionHash").asText()).isEqualTo(wanted.hash().toString());
    }
  }

  @Test
  void tracersAreComparedInTheShell() throws Exception {
    String number = String.valueOf(Long.decode(block.get("number").asText()));
    Node.Result same = node.shell("tracer:compare", number, "callTracer", "callTracer");
    assertThat(same.output()).contains("1 transactions, 0 differences");
    Node.Result different = node.shell("tracer:compare", number, "callTracer", "callTracerLegacy");
    assertThat(different.output()).contains(".calls", "differences between callTracer and");
    Node.Result unknown = node.shell("tracer:compare", number, "callTracer", "nosuchTracer");
    assertThat(unknown.status()).isNotZero();
    assertThat(unknown.output()).contains("nosuchTracer is not installed");
  }

  @Test
  void theIndexOfLogsIsTakenAwayAndComesBack() throws Exception {
    Map<String, Object> query =
        Map.of(
            "fromBlock",
            "0x0",
            "address",
            contract,
            "topics",
            List.of("0x" + "00".repeat(31) + "07"));
    Map<String, Object> other = Map.of("fromBlock", "0x0", "address", SECOND);
    JsonNode found = node.result("eth_getLogs", query);
    assertThat(found).hasSize(1);
    assertThat(node.shell("patchbay:log-index").output()).contains("blocks are indexed");
    for (String command : List.of("feature:uninstall", "feature:install")) {
      assertThat(node.shell(command, "patchbay-log-index").status()).isZero();
      assertThat(node.result("eth_getLogs", query)).isEqualTo(found);
      assertThat(node.result("eth_getLogs", other)).isEmpty();
    }
  }

  @Test
  void aTracerIsChosenByItsVersion() throws Exception {
    String message =
        error("debug_traceTransaction", called, Map.of("tracer", "callTracer@9.9.9"))
            .get("message")
            .asText();
    message = message.substring(message.indexOf("installed are"));
    String versioned = message.replaceFirst(".*\\b(callTracer@[0-9A-Za-z.]+).*", "$1");
    assertThat(node.result("debug_traceTransaction", called, Map.of("tracer", versioned)))
        .isEqualTo(node.result("debug_traceTransaction", called, Map.of("tracer", "callTracer")));
  }

  @Test
  void blocksAreTracedInEveryWay() throws Exception {
    String raw = text("debug_getRawBlock", block.get("number").asText());
    Map<String, String> tracer = Map.of("tracer", "callTracer");
    JsonNode byNumber =
        node.result("debug_traceBlockByNumber", block.get("number").asText(), tracer);
    assertThat(byNumber).hasSize(1);
    assertThat(node.result("debug_traceBlock", raw, tracer)).isEqualTo(byNumber);
    assertThat(node.result("debug_traceBlockByHash", block.get("hash").asText(), tracer))
        .isEqualTo(byNumber);
    assertThat(error("debug_traceBlock", "0x1234", tracer).get("code").asInt()).isEqualTo(-32602);
    assertThat(node.result("debug_getBadBlocks")).isEmpty();
    assertThat(error("debug_traceBadBlock", block.get("hash").asText()).get("message").asText())
        .contains("not found");
    assertThat(node.result("debug_freeOSMemory").isNull()).isTrue();
    JsonNode account =
        node.result("debug_accountAt", block.get("number").asText(), "0x0", contract);
    assertThat(account.get("code").asText()).isEqualTo("0x" + Sample.RUNTIME);
  }

  @Test
  void statesAreLookedInto() throws Exception {
    String hash = block.get("hash").asText();
    String zero = "0x" + "00".repeat(32);
    JsonNode before = node.result("debug_storageRangeAt", hash, 0, contract, zero, 10);
    assertThat(before.get("storage")).isEmpty();
    assertThat(before.get("nextKey").isNull()).isTrue();
    JsonNode after = node.result("debug_storageRangeAt", hash, 1, contract, zero, 10);
    String slot = text("web3_sha3", "0x" + "00".repeat(31) + "01");
    assertThat(after.at("/storage/" + slot + "/key").asText()).endsWith("01");
    assertThat(after.at("/storage/" + slot + "/value").asText()).endsWith("2a");
    JsonNode none = node.result("debug_storageRangeAt", hash, 1, contract, "0x", 0);
    assertThat(none.get("nextKey").asText()).isEqualTo(slot);
    assertThat(error("debug_storageRangeAt", hash, 2, contract, "0x", 1).get("code").asInt())
        .isEqualTo(-32602);
    assertThat(error("debug_storageRangeAt", hash, 0, contract, "0x", 5_000).get("code").asInt())
        .isEqualTo(-32005);
    assertThat(node.result("debug_intermediateRoots", hash).get(0))
        .isEqualTo(block.get("stateRoot"));

    String number = block.get("number").asText();
    List<String> all = new ArrayList<>();
    String next = "0x";
    while (!next.isEmpty()) {
      JsonNode page = node.result("debug_accountRange", number, next, 3, false, false);
      page.get("accounts").fieldNames().forEachRemaining(all::add);
      assertThat(page.get("accounts").size()).isLessThanOrEqualTo(3);
      next = page.path("next").asText();
    }
    assertThat(all).isSorted().doesNotHaveDuplicates().hasSizeGreaterThan(10);
    String key = "pre(" + text("web3_sha3", contract) + ")";
    assertThat(all).contains(key);
    JsonNode account =
        node.result("debug_accountRange", number, text("web3_sha3", contract), 1)
            .at("/accounts/" + key);
    assertThat(account.at("/storage/" + slot).asText()).endsWith("2a");
    assertThat(account.get("code").asText()).isEqualTo("0x" + Sample.RUNTIME);
    JsonNode earlier =
        node.result("debug_accountRange", "0x0", text("web3_sha3", contract), 1).get("accounts");
    assertThat(earlier.has(key)).as("the contract is not there yet").isFalse();
  }

  @Test
  void aBlockHasAWitness() throws Exception {
    JsonNode witness = node.result("debug_executionWitness", block.get("number").asText());
    List<String> hashes = new ArrayList<>();
    for (JsonNode rlp : witness.get("state")) {
      hashes.add(text("web3_sha3", rlp.asText()));
    }
    JsonNode parent = node.result("eth_getBlockByHash", block.get("parentHash").asText(), false);
    assertThat(hashes).contains(parent.get("stateRoot").asText());
    List<String> codes = new ArrayList<>();
    witness.get("codes").forEach(code -> codes.add(code.asText()));
    assertThat(codes).contains("0x" + Sample.RUNTIME);
    List<String> keys = new ArrayList<>();
    witness.get("keys").forEach(key -> keys.add(key.asText()));
    assertThat(keys).contains(contract, "0x" + "00".repeat(31) + "01");
    assertThat(witness.get("headers").get(0))
        .isEqualTo(node.result("debug_getRawHeader", parent.get("number").asText()));
    assertThat(error("debug_executionWitness", "0x0").get("message").asText()).contains("genesis");
  }

  @Test
  void tracesAreWrittenIntoFiles() throws Exception {
    JsonNode files = node.result("debug_standardTraceBlockToFile", block.get("hash").asText());
    assertThat(files).hasSize(1);
    List<String> lines = Files.readAllLines(Path.of(files.get(0).asText()));
    JsonNode logs = node.result("debug_traceTransaction", called).get("structLogs");
    assertThat(lines).hasSize(logs.size() + 1);
    for (int i = 0; i < logs.size(); i++) {
      JsonNode line = Node.json(lines.get(i));
      assertThat(line.get("opName")).isEqualTo(logs.get(i).get("op"));
      assertThat(line.get("stack")).isEqualTo(logs.get(i).get("stack"));
      assertThat(Long.decode(line.get("gasCost").asText()))
          .isEqualTo(logs.get(i).get("gasCost").asLong());
    }
    assertThat(Node.json(lines.get(logs.size())).get("gasUsed").asText()).startsWith("0x");
    Map<String, String> other = Map.of("txHash", created);
    assertThat(
            error("debug_standardTraceBlockToFile", block.get("hash").asText(), other)
                .get("message")
                .asText())
        .contains("not found in block");
    assertThat(
            error("debug_standardTraceBadBlockToFile", block.get("hash").asText())
                .get("message")
                .asText())
        .contains("not found");
  }

  @Test
  void theHeapIsSetAsGethsIs() throws Exception {
    int before = node.result("debug_setGCPercent", 50).asInt();
    assertThat(node.result("debug_setGCPercent", before).asInt()).isBetween(48, 50);
    assertThat(error("debug_setGCPercent", "much").get("code").asInt()).isEqualTo(-32602);
  }

  /** What was in the blocks above goes back into the pool, and into new blocks. */
  @Test
  void theHeadIsSetBack() throws Exception {
    try (Node other = new Node(folder.resolve("set-back")).quick()) {
      other.start("--namespaces", "eth,debug");
      List<String> hashes = new ArrayList<>();
      for (int nonce = 0; nonce < 3; nonce++) {
        Transaction transfer = Accounts.transfer(0, nonce);
        hashes.add(other.result("eth_sendRawTransaction", Accounts.raw(transfer)).asText());
        Journeys.receipt(other, hashes.get(nonce));
      }
      String first = Journeys.receipt(other, hashes.get(0)).get("blockHash").asText();
      assertThat(other.result("debug_setHead", "0x1").isNull()).isTrue();
      for (int nonce = 0; nonce < 3; nonce++) {
        JsonNode receipt = Journeys.receipt(other, hashes.get(nonce));
        assertThat(receipt.get("status").asText()).isEqualTo("0x1");
      }
      assertThat(Journeys.receipt(other, hashes.get(0)).get("blockHash").asText())
          .as("a block that stays")
          .isEqualTo(first);
      JsonNode future = other.call("debug_setHead", "0xffff").get("error");
      assertThat(future.get("message").asText()).contains("future block");
      assertThat(other.call("debug_setHead", "x").at("/error/code").asInt()).isEqualTo(-32602);
    }
  }

  @Test
  void theTraceNamespace() throws Exception {
    JsonNode traces = node.result("trace_transaction", called);
    // the call of the identity contract is not told
    assertThat(traces).hasSize(1);
    assertThat(traces.at("/0/action/to").asText()).isEqualTo(contract);
    assertThat(traces.at("/0/blockHash")).isEqualTo(block.get("hash"));
    assertThat(node.result("trace_block", block.get("number").asText())).isEqualTo(traces);
    assertThat(node.result("trace_get", called, List.of())).isEqualTo(traces.get(0));
    assertThat(node.result("trace_get", called, List.of("0x5")).isNull()).isTrue();
    Map<String, Object> query =
        Map.of(
            "fromBlock",
            "0x1",
            "toBlock",
            block.get("number").asText(),
            "toAddress",
            List.of(contract));
    JsonNode found = node.result("trace_filter", query);
    assertThat(found).hasSize(2);
    assertThat(found.at("/0/type").asText()).isEqualTo("create");
    List<String> all = List.of("trace", "stateDiff", "vmTrace");
    JsonNode replayed = node.result("trace_replayTransaction", called, all);
    assertThat(replayed.at("/stateDiff/" + contract + "/storage")).hasSize(1);
    assertThat(replayed.at("/vmTrace/ops").size())
        .isEqualTo(node.result("debug_traceTransaction", called).get("structLogs").size());
    JsonNode ofBlock =
        node.result("trace_replayBlockTransactions", block.get("number").asText(), all);
    assertThat(ofBlock.get(0).get("trace")).isEqualTo(replayed.get("trace"));
    assertThat(ofBlock.at("/0/transactionHash").asText()).isEqualTo(called);
    Map<String, String> call = Map.of("from", SECOND, "to", contract);
    JsonNode simulated = node.result("trace_call", call, List.of("trace"), "latest");
    assertThat(simulated.at("/trace/0/action/from").asText()).isEqualTo(SECOND);
    assertThat(simulated.get("stateDiff").isNull()).isTrue();
    Map<String, String> reverting = Map.of("from", SECOND, "to", contract, "input", "0x01");
    JsonNode reverted = node.result("trace_call", reverting, List.of("trace"), "latest");
    assertThat(reverted.at("/trace/0/error").asText()).isEqualTo("Reverted");
    JsonNode many =
        node.result(
            "trace_callMany",
            List.of(
                List.of(Map.of("to", Accounts.FIRST, "from", SECOND), List.of("trace")),
                List.of(call, List.of("stateDiff"))),
            "latest");
    assertThat(many).hasSize(2);
    JsonNode raw =
        node.result(
            "trace_rawTransaction", Accounts.raw(Accounts.transfer(1, 0)), List.of("trace"));
    assertThat(raw.at("/trace/0/type").asText()).isEqualTo("call");
    assertThat(error("trace_call", call, List.of("nonsense"), "latest").get("code").asInt())
        .isEqualTo(-32602);
  }

  @Test
  void adminSaysThatThereIsNoNetwork() throws Exception {
    JsonNode info = node.result("admin_nodeInfo");
    assertThat(info.at("/protocols/eth/network").asInt()).isEqualTo(1337);
    assertThat(node.result("admin_peers")).isEmpty();
    assertThat(text("admin_datadir")).isEqualTo(node.data.toString());
    String enode = "enode://" + "ab".repeat(64) + "@127.0.0.1:30303";
    for (String method : List.of("addPeer", "removePeer", "addTrustedPeer", "removeTrustedPeer")) {
      assertThat(error("admin_" + method, enode).get("message").asText())
          .contains("does not speak devp2p");
      assertThat(error("admin_" + method, "nonsense").get("code").asInt()).isEqualTo(-32602);
    }
  }

  @Test
  void signersAndVotes() throws Exception {
    List<String> signers = new ArrayList<>();
    node.result("clique_getSigners").forEach(s -> signers.add(s.asText()));
    String signer = text("eth_coinbase");
    assertThat(signers).containsExactly(signer);
    String hash = block.get("hash").asText();
    assertThat(node.result("clique_getSignersAtHash", hash)).hasSize(1);
    JsonNode snapshot = node.result("clique_getSnapshotAtHash", hash);
    assertThat(snapshot.get("hash").asText()).isEqualTo(hash);
    assertThat(snapshot.get("signers").has(signer)).isTrue();
    assertThat(
            snapshot.get("recents").get(String.valueOf(snapshot.get("number").asLong())).asText())
        .isEqualTo(signer);
    assertThat(node.result("clique_getSnapshot", block.get("number").asText())).isEqualTo(snapshot);
    assertThat(text("clique_getSigner", block.get("number").asText())).isEqualTo(signer);
    assertThat(node.result("clique_status").at("/sealerActivity/" + signer).asInt()).isPositive();
    assertThat(node.result("clique_propose", SECOND, false).isNull()).isTrue();
    assertThat(node.result("clique_proposals").get(SECOND).asBoolean()).isFalse();
    assertThat(node.result("clique_discard", SECOND).isNull()).isTrue();
    assertThat(node.result("clique_proposals")).isEmpty();
  }

  @Test
  void blocksAreLikeTheOperatorWants() throws Exception {
    assertThat(node.result("miner_setExtra", "wired").asBoolean()).isTrue();
    assertThat(node.result("miner_setGasLimit", "0x3000000").asBoolean()).isTrue();
    JsonNode receipt =
        node.result("eth_sendRawTransactionSync", Accounts.raw(Accounts.transfer(1, 0)));
    JsonNode next = node.result("eth_getBlockByHash", receipt.get("blockHash").asText(), false);
    assertThat(next.get("extraData").asText()).startsWith("0x7769726564" + "00".repeat(27));
    assertThat(Long.decode(next.get("gasLimit").asText())).isLessThan(60_000_000);
    assertThat(node.result("miner_setGasPrice", "0x174876e800").asBoolean()).isTrue();
    assertThat(
            error("eth_sendRawTransactionSync", Accounts.raw(Accounts.transfer(1, 1)), 300)
                .get("code")
                .asInt())
        .isEqualTo(4);
    assertThat(node.result("miner_setGasPrice", "0x0").asBoolean()).isTrue();
    assertThat(error("miner_setExtra", "x".repeat(33)).get("code").asInt()).isEqualTo(-32602);
    assertThat(error("miner_setGasLimit", "0x1").get("code").asInt()).isEqualTo(-32602);
  }
}
