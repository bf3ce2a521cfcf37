// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.itests;

import com.fasterxml.jackson.databind.JsonNode;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.file.Files;
import java.time.Duration;
import java.time.Instant;
import java.util.HexFormat;

/** Calls the Engine API of a node as a consensus client does. */
final class EngineClient {
  private static final HttpClient HTTP =
      HttpClient.newBuilder()
          .version(HttpClient.Version.HTTP_1_1)
          .connectTimeout(Duration.ofSeconds(2))
          .build();

  private final int port;
  private final byte[] secret;

  private EngineClient(int port, byte[] secret) {
    this.port = port;
    this.secret = secret;
  }

  /** Waits for the port of a node, which makes the secret. */
  static EngineClient of(Node node) throws Exception {
    Node.awaitPort(node.enginePort);
    String hex = Files.readString(node.data.resolve("jwt.hex")).strip();
    return of(node.enginePort, hex);
  }

  /** Calls a port with a secret in hexadecimal. */
  static EngineClient of(int port, String secret) {
    return new EngineClient(port, HexFormat.of().parseHex(secret));
  }

  /** Posts a body with the claims of a token; no token for null. */
  HttpResponse<String> post(String body, String claims) throws Exception {
    return postWith(body, claims == null ? null : "Bearer " + Tokens.signed(secret, claims));
  }

  /** Posts a body with a header of authorization; none for null. */
  HttpResponse<String> postWith(String body, String authorization) throws Exception {
    HttpRequest.Builder request =
        HttpRequest.newBuilder(URI.create("http://127.0.0.1:" + port))
            .header("Content-Type", "application/json")
            .timeout(Duration.ofSeconds(30))
            .POST(HttpRequest.BodyPublishers.ofString(body));
    if (authorization != null) {
      request.header("Authorization", authorization);
    }
    return HTTP.send(request.build(), HttpResponse.BodyHandlers.ofString());
  }

  /** Posts a body with a fresh token; returns the reply. */
  JsonNode post(String body) throws Exception {
    return Node.json(post(body, "{\"iat\":" + Instant.now().getEpochSecond() + "}").body());
  }

  /** Calls a method; returns the whole reply. */
  JsonNode call(String method, Object... params) throws Exception {
    return post(Node.request(method, params));
  }

  /** Calls a method that must succeed; returns its result. */
  JsonNode result(String method, Object... params) throws Exception {
    JsonNode reply = call(method, params);
    if (!reply.has("result")) {
      throw new AssertionError(method + " failed: " + reply);
    }
    return reply.get("result");
  }
}
