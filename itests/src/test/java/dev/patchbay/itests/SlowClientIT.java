// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.itests;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatCode;

import java.io.IOException;
import java.io.InputStream;
import java.net.Socket;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.api.parallel.Isolated;

/** Clients that send or read slowly, or never, or leave: they cost themselves, not the others. */
@Isolated
class SlowClientIT {
  @TempDir static Path folder;
  private static Node node;

  /** Traces that take longer than their end is waited for. */
  private static final int MANY = 1_000;

  @BeforeAll
  static void start() throws Exception {
    node = new Node(folder.resolve("node")).start();
  }

  @AfterAll
  static void stop() throws Exception {
    node.close();
  }

  private static Socket open(int port, String request) throws IOException {
    Socket socket = new Socket("127.0.0.1", port);
    socket.setSoTimeout(20_000);
    socket.getOutputStream().write(request.getBytes(StandardCharsets.US_ASCII));
    return socket;
  }

  private static Socket openWhenListening(int port) throws IOException {
    for (int i = 0; i < 200; i++) {
      try {
        return open(port, UNFINISHED);
      } catch (java.net.ConnectException notYet) {
        LockSupport.parkNanos(100_000_000);
      }
    }
    throw new AssertionError("nothing listens on " + port);
  }

  private static final String UNFINISHED =
      "POST / HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: 100\r\n\r\n{";

  @Test
  void bodiesThatDoNotComeHoldUpNobody() throws Exception {
    List<Socket> slow = new ArrayList<>();
    try {
      for (int i = 0; i < 200; i++) {
        slow.add(open(node.httpPort, UNFINISHED));
      }
      long start = System.nanoTime();
      assertThat(node.result("eth_chainId").asText()).isEqualTo("0x539");
      assertThat(System.nanoTime() - start).isLessThan(TimeUnit.SECONDS.toNanos(2));
      try (var tasks = Files.list(Path.of("/proc/" + node.pid() + "/task"))) {
        assertThat(tasks.count()).as("threads").isLessThan(150);
      }
    } finally {
      for (Socket socket : slow) {
        socket.close();
      }
    }
  }

  @Test
  void aBodyInChunksIsRefusedWhenItGrowsTooLong() throws Exception {
    try (Socket socket =
        open(
            node.httpPort,
            "POST / HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n")) {
      byte[] chunk =
          ("10000\r\n" + " ".repeat(65_536) + "\r\n").getBytes(StandardCharsets.US_ASCII);
      String answer = "";
      try {
        for (int i = 0; i < 200; i++) {
          socket.getOutputStream().write(chunk);
        }
      } catch (IOException cut) {
        assertThat(cut).hasMessageMatching("(?i).*(broken pipe|reset).*");
      }
      try {
        answer = new String(socket.getInputStream().readNBytes(12), StandardCharsets.US_ASCII);
      } catch (IOException reset) {
        assertThat(reset).hasMessageContaining("reset");
      }
      assertThat(answer).isIn("HTTP/1.1 413", "");
    }
    assertThat(node.result("eth_chainId").asText()).isEqualTo("0x539");
  }

  @Test
  void aSilentClientIsCutAfterTheIdleTime() throws Exception {
    int port = Node.freePort();
    Files.writeString(
        node.data.resolve("etc/dev.patchbay.rpc.listener-idle.cfg"),
        "port = " + port + "\nidle.seconds = 1\n");
    try (Socket socket = openWhenListening(port)) {
      long start = System.nanoTime();
      assertThatCode(socket.getInputStream()::readAllBytes).doesNotThrowAnyException();
      assertThat(System.nanoTime() - start).isLessThan(TimeUnit.SECONDS.toNanos(10));
    }
  }

  @Test
  void aSubscriberThatDoesNotReadIsCut() throws Exception {
    try (Socket socket =
        open(
            node.wsPort,
            "GET / HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n")) {
      InputStream in = socket.getInputStream();
      assertThat(new String(in.readNBytes(12), StandardCharsets.US_ASCII))
          .isEqualTo("HTTP/1.1 101");
      byte[] subscribe =
          frame(
              "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"eth_subscribe\",\"params\":[\"newHeads\"]}");
      for (int i = 0; i < 256; i++) {
        socket.getOutputStream().write(subscribe);
      }
      long nonce =
          Long.decode(node.result("eth_getTransactionCount", Accounts.FIRST, "pending").asText());
      for (int i = 0; i < 60; i++) {
        String hash =
            node.result("eth_sendRawTransaction", Accounts.raw(Accounts.transfer(0, nonce++)))
                .asText();
        Journeys.receipt(node, hash);
      }
      // 60 heads of some 1.5 kB for 256 subscriptions: more than what waits may be
      long read = 0;
      try {
        byte[] buffer = new byte[65_536];
        for (int n = in.read(buffer); n >= 0; n = in.read(buffer)) {
          read += n;
        }
      } catch (java.net.SocketException reset) {
        assertThat(reset).hasMessageContaining("reset");
      }
      assertThat(read).as("bytes that came before the cut").isLessThan(60L * 256 * 1_000);
    }
    assertThat(node.result("eth_chainId").asText()).isEqualTo("0x539");
  }

  /** Returns a request that takes tens of milliseconds for each trace. */
  private static String traces(int count) throws IOException {
    Map<String, Object> loop = Map.of("data", "0x5b5f56", "gas", "0x2faf080");
    return Node.request(
        "trace_callMany", Collections.nCopies(count, List.of(loop, List.of("trace"))), "latest");
  }

  private static void awaitWork(boolean wanted) throws Exception {
    long limit = System.nanoTime() + TimeUnit.SECONDS.toNanos(8);
    while (node.jcmd("Thread.print").contains("dev.patchbay.evm.Machine") != wanted) {
      assertThat(System.nanoTime()).as("works: " + !wanted).isLessThan(limit);
      LockSupport.parkNanos(100_000_000);
    }
  }

  @Test
  void whatAClientHasAskedForEndsWithItsConnection() throws Exception {
    try (Socket socket = open(node.httpPort, Node.httpPost(traces(MANY)))) {
      awaitWork(true);
    }
    awaitWork(false);
  }

  @Test
  void requestsThatComeWhileOneIsAnsweredAreAnsweredNext() throws Exception {
    String quick = Node.request("eth_chainId");
    try (Socket socket = open(node.httpPort, Node.httpPost(traces(2)))) {
      for (int i = 0; i < 20; i++) {
        LockSupport.parkNanos(20_000_000);
        socket.getOutputStream().write(Node.httpPost(quick).getBytes(StandardCharsets.US_ASCII));
      }
      socket
          .getOutputStream()
          .write(
              Node.httpPost(quick)
                  .replace("Host", "Connection: close\r\nHost")
                  .getBytes(StandardCharsets.US_ASCII));
      String all = new String(socket.getInputStream().readAllBytes(), StandardCharsets.US_ASCII);
      assertThat(all.split("HTTP/1.1 200", -1)).hasSize(23);
      assertThat(all.split("0x539", -1)).hasSize(22);
    }
  }

  @Test
  void whatAWebSocketHasAskedForEndsWithIt() throws Exception {
    for (boolean abrupt : new boolean[] {false, true}) {
      WebSocketClient client = WebSocketClient.to(node.wsPort);
      client.frames().sendText(traces(MANY), true).join();
      awaitWork(true);
      if (abrupt) {
        client.frames().abort();
      } else {
        client.frames().sendPing(ByteBuffer.wrap(new byte[] {1})).join();
        client.frames().sendClose(1_000, "enough").join();
      }
      awaitWork(false);
    }
  }

  @Test
  void whatAStreamOfHttp2HasAskedForEndsWithIt() throws Exception {
    HttpClient client = HttpClient.newBuilder().version(HttpClient.Version.HTTP_2).build();
    HttpRequest.Builder request =
        HttpRequest.newBuilder(URI.create("http://127.0.0.1:" + node.httpPort))
            .header("Content-Type", "application/json");
    // a request with a body would not be taken over
    HttpResponse<?> first = client.send(request.build(), HttpResponse.BodyHandlers.discarding());
    assertThat(first.version()).isEqualTo(HttpClient.Version.HTTP_2);
    CompletableFuture<?> answer =
        client.sendAsync(
            request.POST(HttpRequest.BodyPublishers.ofString(traces(MANY))).build(),
            HttpResponse.BodyHandlers.ofString());
    awaitWork(true);
    answer.cancel(true);
    awaitWork(false);
  }

  /** A masked text frame (RFC 6455, 5.2); the mask is zero. */
  private static byte[] frame(String text) {
    byte[] payload = text.getBytes(StandardCharsets.UTF_8);
    return ByteBuffer.allocate(6 + payload.length)
        .put((byte) 0x81)
        .put((byte) (0x80 | payload.length))
        .putInt(0)
        .put(payload)
        .array();
  }
}
