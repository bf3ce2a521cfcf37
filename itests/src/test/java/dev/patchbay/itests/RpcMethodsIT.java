// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.itests;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonToken;
import com.fasterxml.jackson.databind.JsonNode;
import dev.patchbay.primitives.Transaction;
import java.io.BufferedReader;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.InputStreamReader;
import java.net.Socket;
import java.net.URI;
import java.net.UnixDomainSocketAddress;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.ByteBuffer;
import java.nio.channels.Channels;
import java.nio.channels.SocketChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.zip.GZIPInputStream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * Methods that the conversations of execution-apis and the tools do not ask for, each against what
 * is known of a development chain.
 */
class RpcMethodsIT {
  /**
   * Runtime: LOG1 with topic 7, SSTORE(1, 42), CALL of the identity contract, and REVERT when there
   * is call data. The init code before it returns it.
   */
  private static final String CONTRACT_RUNTIME =
      "36156008575f5ffd" + "5b" + "60075f5fa1" + "602a600155" + "5f5f5f5f5f60045af15000";

  private static final String SECOND = "0x70997970c51812dc3a010c7d01b50e0d17dc79c8";

  @TempDir static Path folder;
  private static Node node;
  private static String created;
  private static String contract;
  private static String called;
  private static JsonNode block;

  @BeforeAll
  static void start() throws Exception {
    node = new Node(folder.resolve("node"));
    node.start("--namespaces", "eth,net,web3,rpc,txpool,debug,trace,admin,miner,clique,testing");
    String runtime = CONTRACT_RUNTIME;
    int length = runtime.length() / 2;
    String init = String.format("60%02x600a5f3960%02x5ff3", length, length);
    created = send(Accounts.create(0, 0, init + runtime));
    contract = Journeys.receipt(node, created).get("contractAddress").asText();
    called = send(Accounts.call(0, 1, contract, "0x"));
    JsonNode receipt = Journeys.receipt(node, called);
    assertThat(receipt.get("status").asText()).isEqualTo("0x1");
    assertThat(receipt.get("logs")).hasSize(1);
    block = node.result("eth_getBlockByHash", receipt.get("blockHash").asText(), true);
  }

  @AfterAll
  static void stop() throws Exception {
    node.close();
  }

  private static String send(Transaction transaction) throws Exception {
    return node.result("eth_sendRawTransaction", Accounts.raw(transaction)).asText();
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

  @Test
  void aTraceEndsWhenItsTimeIsOver() throws Exception {
    // JUMPDEST, PUSH0, JUMP: until the gas is used
    Map<String, Object> override = Map.of(SECOND, Map.of("code", "0x5b5f56"));
    Map<String, Object> options =
        Map.of("tracer", "noopTracer", "timeout", "1ms", "stateOverrides", override);
    JsonNode late =
        error("debug_traceCall", Map.of("to", SECOND, "gas", "0x2faf080"), "latest", options);
    assertThat(late.get("code").asInt()).isEqualTo(-32005);
    assertThat(late.get("message").asText()).contains("execution timeout");
    Map<String, Object> wrong = Map.of("timeout", "soon");
    assertThat(error("debug_traceTransaction", called, wrong).get("code").asInt())
        .isEqualTo(-32602);
  }

  @Test
  void receiptsAreSentWhenTheyAreThere() throws Exception {
    Transaction wanted = Accounts.transfer(2, 1);
    try (WebSocketClient socket = WebSocketClient.to(node.wsPort)) {
      Map<String, Object> hashes = Map.of("transactionHashes", List.of(wanted.hash().toString()));
      assertThat(socket.ask(Node.request("eth_subscribe", "transactionReceipts", hashes)))
          .contains("\"result\"");
      send(Accounts.transfer(2, 0));
      send(wanted);
      JsonNode receipts = Node.json(socket.next()).at("/params/result");
      assertThat(receipts).hasSize(1);
      assertThat(receipts.at("/0/transactionHash").asText()).isEqualTo(wanted.hash().toString());
    }
  }

  @Test
  void aWebSocketTakesBytesAndSaysGoodbye() throws Exception {
    try (WebSocketClient socket = WebSocketClient.to(node.wsPort)) {
      byte[] request = Node.request("eth_chainId").getBytes(StandardCharsets.UTF_8);
      assertThat(socket.ask(request)).contains("0x539");
      long start = System.nanoTime();
      assertThat(socket.goodbye()).isEqualTo("closed: 1000");
      assertThat(Duration.ofNanos(System.nanoTime() - start)).isLessThan(Duration.ofSeconds(2));
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
  void aListenerHasItsOwnLimits() throws Exception {
    int port = Node.freePort();
    Files.writeString(
        node.data.resolve("etc/dev.patchbay.rpc.listener-few.cfg"),
        "port = "
            + port
            + "\nnamespaces = eth,debug\nmax.log.blocks = 2\nmax.log.results = 1\nmax.requests = 1\n");
    JsonNode wide = Node.json(opened(port, "eth_getLogs", "{\"fromBlock\":\"0x0\"}").body());
    assertThat(wide.at("/error/code").asInt()).isEqualTo(-32005);
    assertThat(wide.at("/error/message").asText()).contains("at most 2 blocks");
    String hash = "{\"blockHash\":" + block.get("hash") + "}";
    assertThat(Node.json(post(port, "eth_getLogs", hash, "").body()).get("result")).hasSize(1);
    String late = endless("0x2faf080", Map.of("timeout", "2s"));
    CompletableFuture<?> first =
        HttpClient.newHttpClient()
            .sendAsync(
                HttpRequest.newBuilder(URI.create("http://127.0.0.1:" + port))
                    .header("Content-Type", "application/json")
                    .POST(HttpRequest.BodyPublishers.ofString(late))
                    .build(),
                HttpResponse.BodyHandlers.discarding());
    String second = "";
    while (!first.isDone() && !second.contains("too many requests")) {
      second = post(port, "eth_chainId", "", "").body();
    }
    assertThat(second).contains("-32005", "too many requests");
    assertThat(first.handle((reply, cut) -> 0).get(10, TimeUnit.SECONDS)).isZero();
    assertThat(post(port, "eth_chainId", "", "").body()).contains("0x539");
  }

  /** Asks a listener that may be about to open. */
  private static HttpResponse<String> opened(int port, String method, String params)
      throws Exception {
    Node.awaitPort(port);
    return post(port, method, params, "");
  }

  @Test
  void aListenerAsksForTokensAndHasItsOwnErrors() throws Exception {
    int port = Node.freePort();
    Path secret = node.data.resolve("jwt.hex");
    Files.writeString(
        node.data.resolve("etc/dev.patchbay.rpc.listener-jwt.cfg"),
        "port = "
            + port
            + "\nnamespaces = eth\njwt.secret = "
            + secret
            + "\nerror.profile = geth\n");
    HttpResponse<String> refused = opened(port, "eth_chainId", "");
    assertThat(refused.statusCode()).isEqualTo(401);
    byte[] key = HexFormat.of().parseHex(Files.readString(secret).strip());
    String claims = "{\"iat\":" + Instant.now().getEpochSecond() + "}";
    String token = "Bearer " + Tokens.signed(key, claims);
    HttpResponse<String> accepted = post(port, "eth_chainId", "", token);
    assertThat(accepted.body()).contains("0x539");
    String raw = "\"" + Accounts.raw(Accounts.transfer(0, 0)) + "\"";
    JsonNode low = Node.json(post(port, "eth_sendRawTransaction", raw, token).body()).get("error");
    assertThat(low.get("code").asInt()).isEqualTo(-32000);
    assertThat(low.get("message").asText()).startsWith("nonce too low");
  }

  private static HttpResponse<String> post(int port, String method, String params, String token)
      throws Exception {
    String body =
        "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"" + method + "\",\"params\":[" + params + "]}";
    return HttpClient.newHttpClient()
        .send(
            HttpRequest.newBuilder(URI.create("http://127.0.0.1:" + port))
                .header("Content-Type", "application/json")
                .header("Authorization", token.isEmpty() ? "none" : token)
                .POST(HttpRequest.BodyPublishers.ofString(body))
                .build(),
            HttpResponse.BodyHandlers.ofString());
  }

  @Test
  void longAnswersAreCompressedForThoseWhoAsk() throws Exception {
    String one =
        "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"eth_getBlockByNumber\",\"params\":[\"0x0\",true]}";
    String body = "[" + one + ("," + one).repeat(19) + "]";
    HttpRequest.Builder request =
        HttpRequest.newBuilder(URI.create("http://127.0.0.1:" + node.httpPort))
            .header("Content-Type", "application/json")
            .POST(HttpRequest.BodyPublishers.ofString(body));
    HttpClient client = HttpClient.newHttpClient();
    byte[] plain = client.send(request.build(), HttpResponse.BodyHandlers.ofByteArray()).body();
    HttpResponse<byte[]> compressed =
        client.send(
            request.header("Accept-Encoding", "gzip").build(),
            HttpResponse.BodyHandlers.ofByteArray());
    assertThat(compressed.headers().firstValue("Content-Encoding")).contains("gzip");
    assertThat(compressed.body().length).isLessThan(plain.length / 2);
    byte[] unpacked =
        new GZIPInputStream(new ByteArrayInputStream(compressed.body())).readAllBytes();
    assertThat(unpacked).isEqualTo(plain);
  }

  /** A client that begins in HTTP/1.1 is taken over to HTTP/2 without encryption (h2c). */
  @Test
  void http2IsSpoken() throws Exception {
    HttpClient client = HttpClient.newBuilder().version(HttpClient.Version.HTTP_2).build();
    HttpRequest request =
        HttpRequest.newBuilder(URI.create("http://127.0.0.1:" + node.httpPort))
            .header("Content-Type", "application/json")
            .POST(
                HttpRequest.BodyPublishers.ofString(
                    "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"eth_chainId\"}"))
            .build();
    HttpRequest empty = HttpRequest.newBuilder(request.uri()).build();
    client.send(empty, HttpResponse.BodyHandlers.discarding()); // a body would not be taken over
    for (int i = 0; i < 3; i++) {
      HttpResponse<String> reply = client.send(request, HttpResponse.BodyHandlers.ofString());
      assertThat(reply.version()).isEqualTo(HttpClient.Version.HTTP_2);
      assertThat(reply.body()).contains("0x539");
    }
  }

  @Test
  void aUnixSocketAnswersAndNotifies() throws Exception {
    Path socket = node.data.resolve("patchbay.ipc");
    assertThat(PosixFilePermissions.toString(Files.getPosixFilePermissions(socket)))
        .isEqualTo("rw-------");
    try (SocketChannel channel = SocketChannel.open(UnixDomainSocketAddress.of(socket))) {
      BufferedReader in =
          new BufferedReader(
              new InputStreamReader(Channels.newInputStream(channel), StandardCharsets.UTF_8));
      write(
          channel,
          "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"eth_chainId\"}{\"jsonrpc\":\"2.0\",\"id\":2,\"method\":\"eth_subscribe\",\"params\":[\"newHeads\"]}");
      assertThat(in.readLine()).contains("\"result\":\"0x539\"");
      assertThat(in.readLine()).contains("\"id\":2,\"result\":\"0x");
      JsonNode receipt =
          node.result("eth_sendRawTransactionSync", Accounts.raw(Accounts.transfer(4, 0)));
      String head = in.readLine();
      while (!head.contains(receipt.get("blockHash").asText())) {
        head = in.readLine();
      }
      assertThat(head).contains("eth_subscription");
      write(channel, "nonsense");
      assertThat(in.lines().anyMatch(line -> line.contains("nonsense"))).isFalse();
    }
  }

  /** As {@code echo … | nc -U} does: the client has nothing more to ask and waits. */
  @Test
  void aUnixSocketAnswersWhoHasNothingMoreToAsk() throws Exception {
    Path socket = node.data.resolve("patchbay.ipc");
    String trace =
        "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"debug_traceTransaction\",\"params\":[\""
            + called
            + "\"]}";
    try (SocketChannel channel = SocketChannel.open(UnixDomainSocketAddress.of(socket))) {
      write(channel, trace.repeat(100));
      channel.shutdownOutput();
      List<String> answers =
          new BufferedReader(
                  new InputStreamReader(Channels.newInputStream(channel), StandardCharsets.UTF_8))
              .lines()
              .toList();
      assertThat(answers).hasSize(100).allMatch(answer -> answer.contains("structLogs"));
    }
  }

  private static void write(SocketChannel channel, String text) throws Exception {
    channel.write(ByteBuffer.wrap(text.getBytes(StandardCharsets.UTF_8)));
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
    assertThat(account.get("code").asText()).isEqualTo("0x" + CONTRACT_RUNTIME);
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
    assertThat(account.get("code").asText()).isEqualTo("0x" + CONTRACT_RUNTIME);
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
    assertThat(codes).contains("0x" + CONTRACT_RUNTIME);
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

  /** Runs until its gas is used: JUMPDEST, PUSH0, JUMP. Three steps cost 11 gas. */
  private static String endless(String gas, Map<String, Object> options) throws Exception {
    Map<String, Object> all = new HashMap<>(options);
    all.put("stateOverrides", Map.of(SECOND, Map.of("code", "0x5b5f56")));
    return Node.request("debug_traceCall", Map.of("to", SECOND, "gas", gas), "latest", all);
  }

  @Test
  void aTraceMayBeLongerThanAnAnswer() throws Exception {
    HttpRequest.Builder request =
        HttpRequest.newBuilder(URI.create("http://127.0.0.1:" + node.httpPort))
            .header("Content-Type", "application/json");
    HttpClient client = HttpClient.newHttpClient();
    String body = endless("0x2dc6c0", Map.of());
    HttpResponse<InputStream> reply =
        client.send(
            request.POST(HttpRequest.BodyPublishers.ofString(body)).build(),
            HttpResponse.BodyHandlers.ofInputStream());
    int steps = 0;
    try (JsonParser parser = new JsonFactory().createParser(reply.body())) {
      for (JsonToken token = parser.nextToken(); token != null; token = parser.nextToken()) {
        if (token == JsonToken.FIELD_NAME && parser.currentName().equals("pc")) {
          steps++;
        } else if (token == JsonToken.VALUE_TRUE) {
          assertThat(parser.currentName()).isEqualTo("failed");
        }
      }
      assertThat(parser.currentLocation().getByteOffset()).isGreaterThan(50_000_000);
    }
    assertThat(steps).isGreaterThan(800_000);

    // over the Unix-domain socket an answer is one message
    try (SocketChannel channel =
        SocketChannel.open(UnixDomainSocketAddress.of(node.data.resolve("patchbay.ipc")))) {
      write(channel, body);
      String answer =
          new BufferedReader(
                  new InputStreamReader(Channels.newInputStream(channel), StandardCharsets.UTF_8))
              .readLine();
      assertThat(answer).contains("-32005", "response too large");
    }

    // what breaks off in the middle must not look whole
    String late = endless("0x2faf080", Map.of("timeout", "1500ms"));
    assertThatThrownBy(
            () ->
                client.send(
                    request.POST(HttpRequest.BodyPublishers.ofString(late)).build(),
                    HttpResponse.BodyHandlers.ofByteArray()))
        .isInstanceOf(IOException.class);
  }

  @Test
  void aTraceEndsWhenNobodyReadsIt() throws Exception {
    String body = endless("0x2faf080", Map.of());
    for (int i = 0; i < 3; i++) {
      try (Socket socket = new Socket("127.0.0.1", node.httpPort)) {
        socket
            .getOutputStream()
            .write(
                ("POST / HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: "
                        + body.length()
                        + "\r\n\r\n"
                        + body)
                    .getBytes(StandardCharsets.UTF_8));
        assertThat(socket.getInputStream().readNBytes(100_000)).hasSize(100_000);
      }
    }
    // few expensive calls run at a time: this one would wait for the others
    long start = System.nanoTime();
    node.result("debug_traceTransaction", called);
    assertThat(Duration.ofNanos(System.nanoTime() - start)).isLessThan(Duration.ofSeconds(10));
  }

  @Test
  void aChainIsTracedBlockByBlock() throws Exception {
    try (SocketChannel channel =
        SocketChannel.open(UnixDomainSocketAddress.of(node.data.resolve("patchbay.ipc")))) {
      BufferedReader in =
          new BufferedReader(
              new InputStreamReader(Channels.newInputStream(channel), StandardCharsets.UTF_8));
      String number = block.get("number").asText();
      Map<String, String> tracer = Map.of("tracer", "callTracer");
      write(channel, Node.request("debug_subscribe", "traceChain", "0x0", number, tracer));
      String id = Node.json(in.readLine()).get("result").asText();
      String seen = "";
      while (!seen.equals(number)) {
        JsonNode message = Node.json(in.readLine());
        assertThat(message.get("method").asText()).isEqualTo("debug_subscription");
        assertThat(message.at("/params/subscription").asText()).isEqualTo(id);
        JsonNode result = message.at("/params/result");
        seen = result.get("block").asText();
        assertThat(result.get("traces"))
            .isEqualTo(node.result("debug_traceBlockByNumber", seen, tracer));
      }
      write(channel, Node.request("debug_unsubscribe", id));
      assertThat(in.readLine()).contains("subscription not found");
      assertThatAnswersComeFirst(
          request -> {
            write(channel, request);
            return in.readLine();
          },
          in::readLine);
      write(channel, Node.request("debug_subscribe", "traceChain", number, "0x0"));
      assertThat(in.readLine()).contains("-32602", "needs to come after");
      write(channel, Node.request("debug_subscribe", "nonsense"));
      assertThat(in.readLine()).contains("-32602", "nonsense");
    }
    assertThat(error("debug_subscribe", "traceChain", "0x0", "0x1").get("code").asInt())
        .isEqualTo(-32601);
  }

  private interface Exchange {
    String with(String request) throws Exception;
  }

  private interface Reading {
    String next() throws Exception;
  }

  /** A client cannot know what is notified before it was told the subscription's id. */
  private static void assertThatAnswersComeFirst(Exchange ask, Reading in) throws Exception {
    String request = Node.request("debug_subscribe", "traceChain", "0x0", "0x1");
    for (int i = 0; i < 50; i++) {
      String answer = ask.with(request);
      assertThat(answer).contains("\"result\":\"0x");
      assertThat(in.next())
          .contains(Node.json(answer).get("result").asText(), "debug_subscription");
    }
  }

  @Test
  void anAnswerComesBeforeItsNotifications() throws Exception {
    WebSocketClient socket = WebSocketClient.to(node.wsPort);
    assertThatAnswersComeFirst(socket::ask, socket::next);
    socket.close();
  }

  /** What was in the blocks above goes back into the pool, and into new blocks. */
  @Test
  void theHeadIsSetBack() throws Exception {
    try (Node other = new Node(folder.resolve("set-back"))) {
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
      assertThat(node.result("admin_" + method, enode).asBoolean()).isFalse();
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
