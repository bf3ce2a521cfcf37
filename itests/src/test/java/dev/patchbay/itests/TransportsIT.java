// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.itests;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonToken;
import com.fasterxml.jackson.databind.JsonNode;
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
import java.util.concurrent.locks.LockSupport;
import java.util.zip.GZIPInputStream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * What holds of a way to ask, whatever is asked: HTTP, WebSocket, Unix socket; limits and streams.
 */
class TransportsIT {
  private static final String SECOND = "0x70997970c51812dc3a010c7d01b50e0d17dc79c8";

  @TempDir static Path folder;
  private static Node node;
  private static String called;
  private static JsonNode block;

  @BeforeAll
  static void start() throws Exception {
    node = new Node(folder.resolve("node")).quick().start();
    Sample sample = Sample.on(node);
    called = sample.called();
    block = sample.block();
  }

  @AfterAll
  static void stop() throws Exception {
    node.close();
  }

  private static JsonNode error(String method, Object... params) throws Exception {
    return node.call(method, params).get("error");
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
  void aChainThatSealsItsOwnBlocksHasNoConsensusClient() throws Exception {
    int port = Node.freePort();
    Path secret = node.data.resolve("engine.hex");
    Files.writeString(
        node.data.resolve("etc/dev.patchbay.rpc.listener-driven.cfg"),
        "port = " + port + "\nnamespaces = engine\njwt.secret = " + secret + "\n");
    assertThat(opened(port, "engine_forkchoiceUpdatedV3", "").statusCode()).isEqualTo(401);
    byte[] key = HexFormat.of().parseHex(Files.readString(secret).strip());
    String token =
        "Bearer " + Tokens.signed(key, "{\"iat\":" + Instant.now().getEpochSecond() + "}");
    String hash = "\"" + block.get("hash").asText() + "\"";
    String state =
        "{\"headBlockHash\":"
            + hash
            + ",\"safeBlockHash\":"
            + hash
            + ",\"finalizedBlockHash\":"
            + hash
            + "}";
    JsonNode reply = Node.json(post(port, "engine_forkchoiceUpdatedV3", state, token).body());
    assertThat(reply.at("/error/code").asInt()).as("" + reply).isEqualTo(-32000);
    assertThat(reply.at("/error/message").asText()).contains("genesis says clique");
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
    CompletableFuture<String> first =
        HttpClient.newHttpClient()
            .sendAsync(
                HttpRequest.newBuilder(URI.create("http://127.0.0.1:" + port))
                    .header("Content-Type", "application/json")
                    .POST(HttpRequest.BodyPublishers.ofString(late))
                    .build(),
                HttpResponse.BodyHandlers.ofString())
            .handle((reply, cut) -> cut == null ? reply.body() : "");
    String second = "";
    while (!first.isDone() && !second.contains("too many requests")) {
      second = post(port, "eth_chainId", "", "").body();
    }
    // whichever of two comes while the other is answered is refused
    assertThat(second + first.get(10, TimeUnit.SECONDS)).contains("-32005", "too many requests");
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
        socket.getOutputStream().write(Node.httpPost(body).getBytes(StandardCharsets.UTF_8));
        assertThat(socket.getInputStream().readNBytes(100_000)).hasSize(100_000);
      }
    }
    // few expensive calls run at a time: this one would wait for the others
    long start = System.nanoTime();
    node.result("debug_traceTransaction", called);
    assertThat(Duration.ofNanos(System.nanoTime() - start)).isLessThan(Duration.ofSeconds(10));
  }

  /** As many clients as may wait for a receipt wait for one that does not come, and leave. */
  @Test
  void clientsThatLeaveDoNotWaitForReceipts() throws Exception {
    String raw = Accounts.raw(Accounts.transfer(4, 1_000));
    String waits = Node.request("eth_sendRawTransactionSync", raw, 60_000);
    List<Socket> http = new ArrayList<>();
    List<WebSocketClient> sockets = new ArrayList<>();
    for (int i = 0; i < 8; i++) {
      Socket socket = new Socket("127.0.0.1", node.httpPort);
      socket.getOutputStream().write(Node.httpPost(waits).getBytes(StandardCharsets.UTF_8));
      http.add(socket);
      sockets.add(WebSocketClient.to(node.wsPort));
      sockets.get(i).frames().sendText(waits, true).get(5, TimeUnit.SECONDS);
    }
    awaitError("too many requests wait for receipts, at most 16", raw);
    for (int i = 0; i < 8; i++) {
      http.get(i).close();
      sockets.get(i).close();
    }
    awaitError("wasn't processed in 1 ms", raw);
  }

  private static void awaitError(String text, String raw) throws Exception {
    long limit = System.nanoTime() + TimeUnit.SECONDS.toNanos(30);
    while (!error("eth_sendRawTransactionSync", raw, 1).toString().contains(text)) {
      assertThat(System.nanoTime()).as(text).isLessThan(limit);
      LockSupport.parkNanos(TimeUnit.MILLISECONDS.toNanos(50));
    }
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
}
