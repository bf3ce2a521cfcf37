// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.itests;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;

/**
 * Stands between a consensus client and its node. A second node, which has the same secret, is
 * given every payload and fork choice, too, as if it had a consensus client of its own.
 */
final class EngineRelay implements AutoCloseable {
  private static final HttpClient HTTP =
      HttpClient.newBuilder().connectTimeout(Duration.ofSeconds(2)).build();

  final int port;

  /** What the second node has replied to payloads and fork choices, such as {@code SYNCING}. */
  final ConcurrentLinkedQueue<String> statuses = new ConcurrentLinkedQueue<>();

  private final int target;
  private final HttpServer server;
  private final ExecutorService threads = Executors.newFixedThreadPool(8);
  private final ExecutorService inOrder = Executors.newSingleThreadExecutor();
  private volatile int second;

  /** Passes on what arrives to the port of a node. */
  EngineRelay(int target) throws IOException {
    this.target = target;
    server = HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
    server.createContext("/", this::relay);
    server.setExecutor(threads);
    server.start();
    port = server.getAddress().getPort();
  }

  /** Gives payloads and fork choices to a second node from now on. */
  void copyTo(int enginePort) {
    second = enginePort;
  }

  private void relay(HttpExchange exchange) throws IOException {
    try (exchange) {
      String body = new String(exchange.getRequestBody().readAllBytes(), StandardCharsets.UTF_8);
      String authorization = exchange.getRequestHeaders().getFirst("Authorization");
      if (second != 0) {
        inOrder.execute(() -> copy(body, authorization));
      }
      HttpResponse<byte[]> response = post(target, body, authorization);
      exchange.getResponseHeaders().set("Content-Type", "application/json");
      exchange.sendResponseHeaders(response.statusCode(), response.body().length);
      exchange.getResponseBody().write(response.body());
    } catch (InterruptedException closed) {
      Thread.currentThread().interrupt();
    }
  }

  private static HttpResponse<byte[]> post(int port, String body, String authorization)
      throws IOException, InterruptedException {
    return HTTP.send(
        HttpRequest.newBuilder(URI.create("http://127.0.0.1:" + port))
            .timeout(Duration.ofSeconds(30))
            .header("Content-Type", "application/json")
            .header("Authorization", authorization)
            .POST(HttpRequest.BodyPublishers.ofString(body))
            .build(),
        HttpResponse.BodyHandlers.ofByteArray());
  }

  private void copy(String body, String authorization) {
    try {
      JsonNode request = Node.json(body);
      String method = request.path("method").asText();
      if (method.startsWith("engine_forkchoiceUpdated")) {
        ((ArrayNode) request.get("params")).set(1, (JsonNode) null); // it proposes no block
      } else if (!method.startsWith("engine_newPayload")) {
        return;
      }
      byte[] response = post(second, request.toString(), authorization).body();
      JsonNode result = Node.json(new String(response, StandardCharsets.UTF_8)).path("result");
      JsonNode status = result.has("payloadStatus") ? result.get("payloadStatus") : result;
      statuses.add(status.path("status").asText(method + ": " + result));
    } catch (Exception failed) {
      statuses.add(failed.toString());
    }
  }

  @Override
  public void close() {
    server.stop(0);
    threads.shutdownNow();
    inOrder.shutdownNow();
  }
}
