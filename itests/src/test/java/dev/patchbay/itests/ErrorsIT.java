// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.itests;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.IntNode;
import dev.patchbay.primitives.Address;
import dev.patchbay.primitives.Hash;
import dev.patchbay.primitives.Transaction;
import dev.patchbay.primitives.TransactionType;
import dev.patchbay.primitives.UInt256;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * The table of errors: each situation is brought about over a listener of each profile, and code,
 * text and data are compared. A profile changes codes and nothing else.
 */
class ErrorsIT {
  private static final ObjectMapper JSON = new ObjectMapper();
  private static final String NOBODY = "0x00000000000000000000000000000000000000aa";

  /** PUSH0 PUSH0 REVERT. */
  private static final String REVERTS = "0x5f5ffd";

  /** Reverts with {@code Error("no")}. */
  private static final String REVERTS_WITH_A_REASON =
      "0x7f08c379a0"
          + "00".repeat(28)
          + "5f52" // the selector, at 0
          + "6020600452" // the offset of the text
          + "6002602452" // its length
          + "7f6e6f"
          + "00".repeat(30)
          + "604452" // "no"
          + "60645ffd";

  /** JUMPDEST PUSH0 JUMP. */
  private static final String ENDLESS = "0x5b5f56";

  @TempDir static Path folder;
  private static Node node;
  private static Node still;

  /** Ports by profile: of a chain that makes blocks, and of one that makes none. */
  private static final Map<String, Integer> PORTS = new LinkedHashMap<>();

  private static final Map<String, Integer> STILL_PORTS = new LinkedHashMap<>();

  private static String receiptHash;

  @BeforeAll
  static void start() throws Exception {
    node = new Node(folder.resolve("node")).quick().start();
    still = new Node(folder.resolve("still")).quick().start("--namespaces", "eth,miner");
    still.result("miner_setGasPrice", "0x174876e800"); // what is sent stays in the pool
    listeners(node, PORTS);
    listeners(still, STILL_PORTS);
    receiptHash = result(node, Accounts.transfer(0, 0));
    Journeys.receipt(node, receiptHash);
  }

  private static String result(Node on, Transaction sent) throws Exception {
    return on.result("eth_sendRawTransaction", Accounts.raw(sent)).asText();
  }

  private static void listeners(Node on, Map<String, Integer> ports) throws Exception {
    for (String profile : List.of("patchbay", "geth", "catalogue")) {
      int port = Node.freePort();
      ports.put(profile, port);
      Files.writeString(
          on.data.resolve("etc/dev.patchbay.rpc.listener-" + profile + ".cfg"),
          "port = "
              + port
              + "\nnamespaces = eth,debug,txpool\nerror.profile = "
              + profile
              + "\nmax.batch.items = 2\nmax.response.bytes = 20000\nmax.log.blocks = 2"
              + "\nmax.log.results = 1\nmax.expensive.seconds = 2\nmax.body.bytes = 300000\n");
    }
    for (int port : ports.values()) {
      Node.awaitPort(port);
    }
  }

  @AfterAll
  static void stop() throws Exception {
    node.close();
    still.close();
  }

  /** What is to be answered: codes of the profiles, part of the text, and the data. */
  private record Told(int patchbay, int geth, int catalogue, String message, String data) {
    private static Told everywhere(int code, String message) {
      return new Told(code, code, code, message, null);
    }

    private static Told pool(int patchbay, int catalogue, String message, String reason) {
      String standard = catalogue == -32000 ? "" : ",\"standard\":" + catalogue;
      return new Told(
          patchbay, -32000, catalogue, message, "{\"reason\":\"" + reason + "\"" + standard + "}");
    }

    private Told withData(String json) {
      return new Told(patchbay, geth, catalogue, message, json);
    }

    private int code(String profile) {
      return switch (profile) {
        case "patchbay" -> patchbay;
        case "geth" -> geth;
        default -> catalogue;
      };
    }
  }

  private static void check(Map<String, Integer> ports, String body, Told told) throws Exception {
    for (Map.Entry<String, Integer> listener : ports.entrySet()) {
      String answer = Node.post(listener.getValue(), body);
      JsonNode response = JSON.readTree(answer);
      JsonNode error = response.get("error");
      String as = listener.getKey() + ": " + answer;
      assertThat(error).as(as).isNotNull();
      assertThat(error.get("code")).as(as).isEqualTo(new IntNode(told.code(listener.getKey())));
      assertThat(error.get("message").asText()).as(as).contains(told.message);
      assertThat(error.get("data"))
          .as(as)
          .isEqualTo(told.data == null ? null : JSON.readTree(told.data));
      assertThat(response.get("jsonrpc").asText()).isEqualTo("2.0");
      assertThat(response.has("id")).as(as).isTrue();
    }
  }

  private static void check(Told told, String method, Object... params) throws Exception {
    check(PORTS, Node.request(method, params), told);
  }

  private static void checkSent(Told told, Transaction sent) throws Exception {
    String raw = Accounts.raw(sent);
    check(PORTS, Node.request("eth_sendRawTransaction", raw), told);
    check(PORTS, Node.request("eth_sendRawTransactionSync", raw), told);
  }

  private static Transaction.Builder transaction(long nonce) {
    return transaction(TransactionType.FEE_MARKET, nonce);
  }

  private static Transaction.Builder transaction(TransactionType type, long nonce) {
    return Accounts.transaction(type, nonce).gasLimit(21_000).to(Address.fromHex(NOBODY));
  }

  private static Map<String, Object> code(String code) {
    return Map.of(NOBODY, Map.of("code", code));
  }

  @Test
  void envelopes() throws Exception {
    check(PORTS, "{", Told.everywhere(-32700, "parse error"));
    check(PORTS, "[]", Told.everywhere(-32600, "empty batch"));
    check(PORTS, "1", Told.everywhere(-32600, "invalid request"));
    String version = "{\"jsonrpc\":\"1.0\",\"id\":1,\"method\":\"eth_chainId\"}";
    check(PORTS, version, Told.everywhere(-32600, "invalid request"));
    String named = "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"eth_chainId\",\"params\":{}}";
    check(PORTS, named, Told.everywhere(-32602, "non-array args"));
    Told none = Told.everywhere(-32601, "the method eth_none does not exist/is not available");
    check(none, "eth_none");
    Told hidden = Told.everywhere(-32601, "the method admin_peers does not exist/is not available");
    check(hidden, "admin_peers");
    Told socket = Told.everywhere(-32601, "notifications not supported");
    check(socket, "eth_subscribe", "newHeads");
  }

  @Test
  void parameters() throws Exception {
    check(Told.everywhere(-32602, "missing value for required argument 0"), "eth_getBalance");
    check(Told.everywhere(-32602, "invalid"), "eth_getBalance", "0x12", "latest");
    check(Told.everywhere(-32602, "invalid"), "eth_getBlockByNumber", "0xzz", false);
    check(
        Told.everywhere(-32602, "invalid block range params"),
        "eth_getLogs",
        Map.of("fromBlock", "0x1", "toBlock", "0x0"));
    check(
        Told.everywhere(-32602, "block range extends beyond current head block"),
        "eth_getLogs",
        Map.of("fromBlock", "0x0", "toBlock", "0xffffff"));
    check(Told.everywhere(-32602, "exceed max topics"), "eth_getLogs", topics(5));
    check(Told.everywhere(-32602, "invalid transaction"), "eth_sendRawTransaction", "0x02");
    check(
        Told.everywhere(-32602, "the options of callTracer are not an object: 1"),
        "debug_traceTransaction",
        receiptHash,
        Map.of("tracer", "muxTracer", "tracerConfig", Map.of("callTracer", 1)));
  }

  private static Map<String, Object> topics(int count) {
    return Map.of("topics", Collections.nCopies(count, List.of()));
  }

  @Test
  void whatIsNotThere() throws Exception {
    check(Told.everywhere(-32000, "header not found"), "eth_getBalance", NOBODY, "0xffffff");
    check(
        Told.everywhere(-32000, "header not found"),
        "eth_call",
        Map.of("to", NOBODY),
        "0x" + "12".repeat(32));
    check(
        Told.everywhere(-32000, "transaction not found"),
        "debug_traceTransaction",
        "0x" + "12".repeat(32));
    check(Told.everywhere(-32000, "genesis is not traceable"), "debug_traceBlockByNumber", "0x0");
    check(Told.everywhere(-32000, "filter not found"), "eth_getFilterChanges", "0x1234");
    check(
        Told.everywhere(-32000, "unknown block"),
        "eth_getLogs",
        Map.of("blockHash", "0x" + "12".repeat(32)));
  }

  @Test
  void whatThePoolRefuses() throws Exception {
    checkSent(
        Told.pool(-32001, 1, "nonce too low: next nonce 1, tx nonce 0", "NONCE_TOO_LOW"),
        transaction(0).sign(Accounts.KEYS[0]));
    checkSent(
        Told.pool(-32002, 809, "insufficient funds for gas * price + value", "INSUFFICIENT_FUNDS"),
        transaction(0).sign(Accounts.POOR));
    checkSent(
        Told.pool(-32003, 803, "exceeds block gas limit", "GAS_LIMIT"),
        transaction(1).gasLimit(1L << 40).sign(Accounts.KEYS[0]));
    checkSent(
        Told.pool(-32003, 803, "transaction gas limit too high", "GAS_LIMIT"),
        transaction(1).gasLimit((1 << 24) + 1).sign(Accounts.KEYS[0]));
    checkSent(
        Told.pool(-32004, 802, "transaction underpriced", "UNDERPRICED"),
        transaction(TransactionType.BLOB, 1)
            .maxFeePerBlobGas(UInt256.ZERO)
            .blobVersionedHashes(List.of(Hash.fromHex("0x01" + "00".repeat(31))))
            .sign(Accounts.KEYS[0]));
    checkSent(
        Told.pool(-32000, -32000, "intrinsic gas too low", "INVALID"),
        transaction(1).gasLimit(20_999).sign(Accounts.KEYS[0]));
    checkSent(
        Told.pool(-32000, -32000, "invalid chain id for signer: have 1 want 1337", "INVALID"),
        transaction(1).chainId(UInt256.ONE).sign(Accounts.KEYS[0]));
    checkSent(
        Told.pool(
            -32000, -32000, "max priority fee per gas higher than max fee per gas", "INVALID"),
        transaction(1).maxFeePerGas(UInt256.ONE).sign(Accounts.KEYS[0]));
    checkSent(
        Told.pool(-32000, -32000, "max initcode size exceeded", "INVALID"),
        Accounts.create(0, 1, "00".repeat(49_153)));
  }

  /** What is refused because of what is in the pool already. */
  @Test
  void whatThePoolRefusesNextToOthers() throws Exception {
    Transaction first = transaction(0).sign(Accounts.KEYS[0]);
    result(still, first);
    check(
        STILL_PORTS,
        Node.request("eth_sendRawTransaction", Accounts.raw(first)),
        Told.pool(-32000, -32000, "already known", "ALREADY_KNOWN"));
    Transaction second = transaction(0).value(UInt256.ONE).sign(Accounts.KEYS[0]);
    check(
        STILL_PORTS,
        Node.request("eth_sendRawTransaction", Accounts.raw(second)),
        Told.pool(-32004, 802, "replacement transaction underpriced", "UNDERPRICED"));
    for (int port : STILL_PORTS.values()) {
      JsonNode late =
          JSON.readTree(
              Node.post(
                  port,
                  Node.request(
                      "eth_sendRawTransactionSync",
                      Accounts.raw(transaction(port).sign(Accounts.KEYS[0])),
                      100)));
      assertThat(late.at("/error/code").asInt()).isEqualTo(4);
      assertThat(late.at("/error/data").asText())
          .isEqualTo(transaction(port).sign(Accounts.KEYS[0]).hash().toString());
    }
    JsonNode full = still.call("eth_chainId");
    for (long nonce = 1; !full.has("error"); nonce++) {
      full =
          still.call(
              "eth_sendRawTransaction", Accounts.raw(transaction(nonce).sign(Accounts.KEYS[0])));
      assertThat(nonce).as("a sender has a limit").isLessThan(20_000);
    }
    check(
        STILL_PORTS,
        Node.request(
            "eth_sendRawTransaction", Accounts.raw(transaction(90_000).sign(Accounts.KEYS[0]))),
        new Told(
            -32005,
            -32000,
            -32005,
            "txpool is full",
            "{\"reason\":\"POOL_FULL\",\"standard\":-32005}"));
  }

  @Test
  void executions() throws Exception {
    Map<String, Object> call = Map.of("to", NOBODY);
    Told bare = Told.everywhere(3, "execution reverted").withData("\"0x\"");
    check(bare, "eth_call", call, "latest", code(REVERTS));
    check(bare, "eth_estimateGas", call, "latest", code(REVERTS));
    String data =
        "\"0x08c379a0"
            + "00".repeat(31)
            + "20"
            + "00".repeat(31)
            + "02"
            + "6e6f"
            + "00".repeat(30)
            + "\"";
    Told reason = Told.everywhere(3, "execution reverted: no").withData(data);
    check(reason, "eth_call", call, "latest", code(REVERTS_WITH_A_REASON));
    check(reason, "eth_estimateGas", call, "latest", code(REVERTS_WITH_A_REASON));
    check(Told.everywhere(-32000, "invalid opcode"), "eth_call", call, "latest", code("0xfe"));
    check(Told.everywhere(-32000, "out of gas"), "eth_call", call, "latest", code(ENDLESS));
    check(
        Told.everywhere(-32000, "gas required exceeds allowance"),
        "eth_estimateGas",
        call,
        "latest",
        code(ENDLESS));
    check(
        Told.everywhere(-32000, "insufficient funds"),
        "eth_call",
        Map.of("from", NOBODY, "to", NOBODY, "value", "0xffffffffffffffffffffffff"),
        "latest");
    check(
        Told.everywhere(-32602, "has both 'state' and 'stateDiff'"),
        "eth_call",
        call,
        "latest",
        Map.of(NOBODY, Map.of("state", Map.of(), "stateDiff", Map.of())));
  }

  private static Map<String, Object> simulated(Map<String, Object> call) {
    return Map.of("blockStateCalls", List.of(Map.of("calls", List.of(call))), "validation", true);
  }

  @SafeVarargs
  private static Map<String, Object> blocks(Map<String, Object>... overrides) {
    return Map.of(
        "blockStateCalls",
        List.of(overrides).stream().map(o -> Map.of("blockOverrides", o)).toList());
  }

  @Test
  void simulations() throws Exception {
    String rich = Accounts.FIRST;
    Map<String, Object> dear = Map.of("from", rich, "to", NOBODY, "maxFeePerGas", "0x174876e800");
    check(Told.everywhere(-38010, "nonce too low"), "eth_simulateV1", simulated(with(dear, "0x0")));
    check(
        Told.everywhere(-38011, "nonce too high"), "eth_simulateV1", simulated(with(dear, "0xff")));
    check(
        Told.everywhere(-38012, "max fee per gas less than block base fee"),
        "eth_simulateV1",
        simulated(Map.of("from", rich, "to", NOBODY, "maxFeePerGas", "0x1", "nonce", "0x1")));
    Map<String, Object> little = new LinkedHashMap<>(with(dear, "0x1"));
    little.put("gas", "0x5207");
    check(Told.everywhere(-38013, "intrinsic gas too low"), "eth_simulateV1", simulated(little));
    check(
        Told.everywhere(-38014, "insufficient funds"),
        "eth_simulateV1",
        simulated(
            Map.of("from", NOBODY, "to", NOBODY, "value", "0x1", "maxFeePerGas", "0x174876e800")));
    check(
        Told.everywhere(-38015, "block gas limit reached"),
        "eth_simulateV1",
        simulated(Map.of("to", NOBODY, "gas", "0xffffffffff")));
    check(
        Told.everywhere(-38020, "block numbers must be in order"),
        "eth_simulateV1",
        blocks(Map.of("number", "0x50"), Map.of("number", "0x50")));
    check(
        Told.everywhere(-38021, "block timestamps must be in order"),
        "eth_simulateV1",
        blocks(Map.of("time", "0x1")));
    // never -38024 (sender not an EOA): a simulation lets contracts send, as geth's does
    check(
        Told.everywhere(-38025, "max initcode size exceeded"),
        "eth_simulateV1",
        simulated(
            Map.of(
                "from",
                rich,
                "nonce",
                "0x1",
                "maxFeePerGas",
                "0x174876e800",
                "input",
                "0x" + "00".repeat(49_153))));
    check(
        Told.everywhere(-38026, "too many blocks"),
        "eth_simulateV1",
        blocks(Map.of("number", "0xffff")));
    check(
        Told.everywhere(-32602, "empty input"),
        "eth_simulateV1",
        Map.of("blockStateCalls", List.of()));
    Map<String, Object> failing =
        Map.of(
            "blockStateCalls",
            List.of(
                Map.of("stateOverrides", code("0xfe"), "calls", List.of(Map.of("to", NOBODY)))));
    for (int port : PORTS.values()) {
      JsonNode inner =
          JSON.readTree(Node.post(port, Node.request("eth_simulateV1", failing)))
              .at("/result/0/calls/0/error");
      assertThat(inner.get("code").asInt()).isEqualTo(-32015);
      assertThat(inner.get("message").asText()).contains("invalid opcode");
    }
  }

  private static Map<String, Object> with(Map<String, Object> call, String nonce) {
    Map<String, Object> out = new LinkedHashMap<>(call);
    out.put("nonce", nonce);
    return out;
  }

  private static Told limit(String message) {
    return new Told(-32005, -32000, -32005, message, null);
  }

  @Test
  void limits() throws Exception {
    String one = Node.request("eth_chainId");
    check(
        PORTS,
        "[" + one + "," + one + "," + one + "]",
        limit("batch too large: 3 items, at most 2"));
    Map<String, Object> all = Map.of("fromBlock", "0x0", "toBlock", "latest");
    for (int i = 1; i < 4; i++) {
      Journeys.receipt(node, result(node, transaction(0).sign(Accounts.KEYS[i])));
    }
    check(limit("at most 2 blocks"), "eth_getLogs", all);
    String twoLogs = result(node, Accounts.create(4, 0, "5f5fa05f5fa0"));
    String number = Journeys.receipt(node, twoLogs).get("blockNumber").asText();
    check(
        limit("query returned more than 1 results"),
        "eth_getLogs",
        Map.of("fromBlock", number, "toBlock", number));
    check(
        limit("too many keys"),
        "eth_getProof",
        NOBODY,
        Collections.nCopies(1_025, "0x" + "00".repeat(32)),
        "latest");
    check(
        new Told(-32005, -32002, -32005, "execution timeout", null),
        "debug_traceCall",
        Map.of("to", NOBODY, "gas", "0x2faf080"),
        "latest",
        Map.of("stateOverrides", code(ENDLESS), "tracer", "callTracer", "timeout", "1ms"));
    Told tooLarge =
        new Told(-32005, -32003, -32005, "response too large: at most 20000 bytes", null);
    check(PORTS, big(), tooLarge);
    for (Map.Entry<String, Integer> listener : PORTS.entrySet()) {
      String answer = Node.post(listener.getValue(), "[" + big() + "," + one + "]");
      JsonNode first = JSON.readTree(answer).get(0);
      assertThat(first.at("/error/code").asInt())
          .as(answer)
          .isEqualTo(tooLarge.code(listener.getKey()));
    }
  }

  /** A request whose answer has 20,480 bytes of zeros. */
  private static String big() throws Exception {
    return Node.request("eth_call", Map.of("to", NOBODY), "latest", code("0x6150005ff3"));
  }

  /** Without a store every method that needs one says so, and the rest goes on. */
  @Test
  void withoutAStore() throws Exception {
    assertThat(node.shell("bundle:stop", "dev.patchbay.storage.mapdb").status()).isZero();
    try {
      check(Told.everywhere(-32010, "stor"), "eth_getBalance", NOBODY, "latest");
      check(Told.everywhere(-32010, "stor"), "eth_getBlockByNumber", "latest", false);
      check(Told.everywhere(-32602, "invalid"), "eth_getBalance", "0x12", "latest");
    } finally {
      assertThat(node.shell("bundle:start", "dev.patchbay.storage.mapdb").status()).isZero();
    }
    Journeys.await("a store", () -> node.call("eth_blockNumber").has("result"));
    assertThat(node.result("eth_getBalance", Accounts.FIRST, "latest").asText()).startsWith("0x");
  }
}
