// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.itests;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.net.http.HttpResponse;
import java.net.http.WebSocket;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * Random envelopes, parameters, raw transactions and WebSocket frames, always the same ones: every
 * reply is valid JSON-RPC without a trace of the inside, and nothing breaks.
 */
class RpcFuzzIT {
  private static final ObjectMapper JSON = new ObjectMapper();
  private static final int ROUNDS = Integer.getInteger("fuzz.rounds", 1_500);

  private static final String[] METHODS =
      ("web3_clientVersion web3_sha3 net_listening net_peerCount net_version rpc_modules "
              + "eth_accounts eth_blockNumber eth_call eth_chainId eth_coinbase eth_estimateGas eth_feeHistory "
              + "eth_gasPrice eth_getBalance eth_getBlockByHash eth_getBlockByNumber eth_getBlockReceipts "
              + "eth_getBlockTransactionCountByHash eth_getBlockTransactionCountByNumber eth_getCode "
              + "eth_getFilterChanges eth_getFilterLogs eth_getLogs eth_getStorageAt eth_getStorageValues "
              + "eth_getTransactionByBlockHashAndIndex eth_getTransactionByBlockNumberAndIndex "
              + "eth_getTransactionByHash eth_getTransactionCount eth_getTransactionReceipt eth_getProof "
              + "eth_getUncleByBlockHashAndIndex eth_getUncleByBlockNumberAndIndex eth_newFilter eth_newBlockFilter "
              + "eth_sendRawTransaction eth_uninstallFilter eth_createAccessList eth_fillTransaction eth_simulateV1 "
              + "eth_config eth_capabilities eth_getHeaderByHash eth_getHeaderByNumber eth_subscribe eth_unsubscribe "
              + "eth_getRawTransactionByBlockNumberAndIndex eth_getTransactionBySenderAndNonce eth_getBlockAccessList "
              + "txpool_content txpool_contentFrom txpool_inspect txpool_status debug_traceTransaction debug_traceCall "
              + "debug_traceBlock debug_traceBlockByNumber debug_traceBlockByHash debug_getRawBlock "
              + "debug_getRawHeader debug_getRawReceipts debug_getRawTransaction debug_accountAt debug_getBadBlocks "
              + "trace_block trace_transaction trace_get trace_filter trace_call trace_callMany trace_rawTransaction "
              + "trace_replayTransaction trace_replayBlockTransactions admin_nodeInfo admin_addPeer "
              + "clique_getSnapshot clique_getSigners clique_status miner_setGasPrice testing_buildBlockV1 "
              + "chronos_peers chronos_addPeer chronos_removePeer")
          .split(" ", -1);

  private static final String[] NAMES = {
    "from",
    "to",
    "gas",
    "gasPrice",
    "maxFeePerGas",
    "value",
    "data",
    "input",
    "nonce",
    "accessList",
    "address",
    "topics",
    "fromBlock",
    "toBlock",
    "blockHash",
    "blockNumber",
    "storageKeys",
    "tracer",
    "tracerConfig",
    "stateOverrides",
    "blockStateCalls",
    "calls",
    "stateDiff",
    "state",
    "code",
    "balance",
    "timeout",
    "authorizationList",
    "chainId"
  };

  @TempDir static Path folder;
  private static Node node;
  private final Random random = new Random(Long.getLong("fuzz.seed", 1));

  @BeforeAll
  static void start() throws Exception {
    node = new Node(folder.resolve("node")).quick();
    node.start(
        "--namespaces", "eth,net,web3,rpc,txpool,debug,trace,admin,miner,clique,chronos,testing");
    Journeys.receipt(
        node,
        node.result("eth_sendRawTransaction", Accounts.raw(Accounts.transfer(0, 0))).asText());
  }

  @AfterAll
  static void stop() throws Exception {
    assertThat(Files.readString(node.data.resolve("logs/karaf.log")))
        .as("errors in the log")
        .doesNotContain("| ERROR |");
    assertThat(Long.decode(node.result("eth_blockNumber").asText())).isPositive();
    node.close();
  }

  private String hex(int bytes) {
    byte[] out = new byte[bytes];
    random.nextBytes(out);
    return "0x" + HexFormat.of().formatHex(out);
  }

  private Object value(int depth) {
    return switch (random.nextInt(depth > 3 ? 14 : 17)) {
      case 0 -> "latest";
      case 1 -> "0x" + Long.toHexString(random.nextLong());
      case 2 -> "0x" + Integer.toHexString(random.nextInt(4));
      case 3 -> hex(32);
      case 4 -> hex(20);
      case 5 -> Accounts.FIRST;
      case 6 -> hex(random.nextInt(300));
      case 7 -> random.nextInt();
      case 8 -> random.nextDouble() * 1e30;
      case 9 -> random.nextBoolean();
      case 10 ->
          List.of("pending", "earliest", "safe", "callTracer", "trace", "newHeads", "", "0x", "0xg")
              .get(random.nextInt(9));
      case 11 -> "\u0000\ud800" + "x".repeat(random.nextInt(2_000));
      case 12 -> "0x" + "f".repeat(64);
      case 13 -> new java.math.BigInteger(512, random);
      case 14, 15 -> object(depth + 1);
      default -> list(depth + 1);
    };
  }

  private Map<String, Object> object(int depth) {
    Map<String, Object> out = new LinkedHashMap<>();
    for (int i = random.nextInt(6); i > 0; i--) {
      String name = random.nextInt(8) == 0 ? hex(20) : NAMES[random.nextInt(NAMES.length)];
      out.put(name, random.nextInt(12) == 0 ? null : value(depth));
    }
    return out;
  }

  private List<Object> list(int depth) {
    List<Object> out = new ArrayList<>();
    for (int i = random.nextInt(5); i > 0; i--) {
      out.add(random.nextInt(12) == 0 ? null : value(depth));
    }
    return out;
  }

  private Map<String, Object> request() {
    Map<String, Object> out = new LinkedHashMap<>();
    out.put("jsonrpc", "2.0");
    out.put("id", random.nextInt());
    out.put("method", METHODS[random.nextInt(METHODS.length)]);
    out.put("params", list(0));
    return out;
  }

  /** Checks a reply to a message that may hold anything. */
  private static void check(String sent, String reply) {
    String shown = sent.length() > 600 ? sent.substring(0, 600) : sent;
    assertThat(reply).as(shown).doesNotContain("Exception", "\\tat ", "dev.patchbay");
    if (reply.isEmpty()) {
      return; // to notifications there is none
    }
    JsonNode all;
    try {
      all = JSON.readTree(reply);
    } catch (java.io.IOException malformed) {
      throw new AssertionError(shown + " was answered by " + reply, malformed);
    }
    for (JsonNode one : all.isArray() ? all : JSON.createArrayNode().add(all)) {
      if (one.has("method")) {
        continue; // a notification of a subscription
      }
      assertThat(one.path("jsonrpc").asText()).as(shown).isEqualTo("2.0");
      assertThat(one.has("id")).as(shown).isTrue();
      assertThat(one.has("result")).as(shown + " -> " + reply).isNotEqualTo(one.has("error"));
      if (one.has("error")) {
        assertThat(one.at("/error/code").isInt()).as(shown).isTrue();
        assertThat(one.at("/error/message").isTextual()).as(shown).isTrue();
        assertThat(one.at("/error/code").asInt()).as(shown + " -> " + reply).isNotEqualTo(-32603);
      }
    }
  }

  private void post(String body) throws Exception {
    HttpResponse<String> reply = node.post(body);
    assertThat(reply.statusCode()).isEqualTo(200);
    check(body, reply.body());
  }

  @Test
  void parameters() throws Exception {
    for (int i = 0; i < ROUNDS; i++) {
      post(JSON.writeValueAsString(request()));
    }
  }

  @Test
  void envelopes() throws Exception {
    for (int i = 0; i < ROUNDS; i++) {
      String body =
          switch (random.nextInt(8)) {
            case 0 -> JSON.writeValueAsString(value(0));
            case 1 -> JSON.writeValueAsString(List.of(request(), value(0), request()));
            case 2 -> "[".repeat(random.nextInt(5_000));
            case 3 -> JSON.writeValueAsString(request()).replace("\"2.0\"", String.valueOf(i));
            case 4 -> JSON.writeValueAsString(request()).replace("\"id\"", "\"" + hex(3) + "\"");
            case 5 -> JSON.writeValueAsString(request()) + JSON.writeValueAsString(request());
            default -> mutated(JSON.writeValueAsString(request()));
          };
      post(body);
    }
  }

  private String mutated(String text) {
    byte[] bytes = text.getBytes(StandardCharsets.UTF_8);
    for (int i = 1 + random.nextInt(4); i > 0; i--) {
      bytes[random.nextInt(bytes.length)] = (byte) random.nextInt(128);
    }
    int length = random.nextInt(4) == 0 ? random.nextInt(bytes.length) : bytes.length;
    return new String(bytes, 0, length, StandardCharsets.UTF_8);
  }

  @Test
  void rawTransactions() throws Exception {
    byte[] valid = Accounts.transfer(0, 1).encode();
    for (int i = 0; i < ROUNDS; i++) {
      byte[] raw = valid.clone();
      for (int j = random.nextInt(5); j > 0; j--) {
        raw[random.nextInt(raw.length)] = (byte) random.nextInt();
      }
      String hex = HexFormat.of().formatHex(raw, 0, 1 + random.nextInt(raw.length));
      String method =
          List.of("eth_sendRawTransaction", "trace_rawTransaction", "debug_traceBlock")
              .get(random.nextInt(3));
      post(
          JSON.writeValueAsString(
              Map.of(
                  "jsonrpc",
                  "2.0",
                  "id",
                  i,
                  "method",
                  method,
                  "params",
                  List.of("0x" + hex, List.of()))));
    }
  }

  @Test
  void webSocketFrames() throws Exception {
    for (int i = 0; i < ROUNDS / 10; i++) {
      WebSocketClient client = WebSocketClient.to(node.wsPort);
      WebSocket socket = client.frames();
      for (int j = 0; j < 5; j++) {
        switch (random.nextInt(6)) {
          case 0 ->
              socket.sendBinary(ByteBuffer.wrap(hex(40).getBytes(StandardCharsets.UTF_8)), true);
          case 1 -> socket.sendPing(ByteBuffer.wrap(new byte[random.nextInt(100)]));
          case 2 -> socket.sendText(mutated(JSON.writeValueAsString(request())), true);
          case 3 -> socket.sendText("{\"jsonrpc\":", random.nextBoolean());
          default -> socket.sendText(JSON.writeValueAsString(request()), true);
        }
        String reply = client.next(20);
        boolean none = reply.equals("null") || reply.matches("(closed|failed): .*");
        if (!none) {
          check("a frame", reply);
        }
        if (socket.isOutputClosed()) {
          break;
        }
      }
      client.close();
    }
  }
}
