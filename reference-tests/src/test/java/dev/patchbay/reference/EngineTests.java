// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.reference;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.patchbay.api.rpc.RpcNamespace;
import dev.patchbay.chain.Chains;
import dev.patchbay.consensus.engine.EngineRules;
import dev.patchbay.evm.engine.DefaultEvmEngine;
import dev.patchbay.primitives.Hash;
import dev.patchbay.rpc.engine.Engines;
import dev.patchbay.rpc.server.BearerTokens;
import dev.patchbay.rpc.server.Ports;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * The engine suite: payloads, valid and not, over the port that a consensus client uses. After each
 * the head moves to it, or must not.
 */
class EngineTests {
  private static final ObjectMapper JSON = new ObjectMapper();

  @TempDir static Path folder;

  private final HttpClient http =
      HttpClient.newBuilder().version(HttpClient.Version.HTTP_1_1).build();

  private RpcNamespace served;

  @Test
  void executionSpecTests() throws Exception {
    Tally tally = new Tally("eest-engine");
    int[] count = {0};
    String only = System.getProperty("reference.only", "");
    Path secret = folder.resolve("jwt.hex");
    try (Ports ports = new Ports("engine", secret)) {
      BearerTokens tokens = new BearerTokens(Files.readString(secret));
      Vectors.forEach(
          "eest-engine",
          name -> count[0]++ % Vectors.sample() == 0 && name.contains(only),
          (name, content) ->
              content
                  .fields()
                  .forEachRemaining(
                      test ->
                          tally.run(
                              name + " " + test.getKey(),
                              () -> runCase(ports, tokens, test.getValue()))));
    }
    tally.close();
  }

  private void runCase(Ports ports, BearerTokens tokens, JsonNode test) throws Exception {
    Chains.Wired chain =
        Chains.of(
            Networks.genesis(test), Chains.memory(), new DefaultEvmEngine(), new EngineRules());
    RpcNamespace next = Engines.of(chain);
    ports.serve(served, next);
    served = next;
    Hash head = chain.reader().genesis().hash();
    assertThat(head)
        .as("genesis")
        .isEqualTo(Hash.fromHex(test.at("/genesisBlockHeader/hash").asText()));
    int index = 0;
    for (JsonNode item : test.get("engineNewPayloads")) {
      String at = "payload " + index++ + " ";
      JsonNode reply =
          call(
              ports.port,
              tokens,
              "engine_newPayloadV" + item.get("newPayloadVersion").asText(),
              item.get("params"));
      String status = reply.at("/result/status").asText("");
      String expected = item.path("validationError").asText("");
      if (item.has("errorCode")) {
        assertThat(reply.at("/error/code").asText())
            .as(at + reply)
            .isEqualTo(item.get("errorCode").asText());
      } else if (!expected.isEmpty()) {
        assertThat(status).as(at + "expected: " + expected + ": " + reply).isEqualTo("INVALID");
        String latest = reply.at("/result/latestValidHash").asText(null);
        assertThat(latest == null || latest.equals("null") || latest.equals(head.toString()))
            .as(at + reply)
            .isTrue();
      } else {
        assertThat(status).as(at + reply).isEqualTo("VALID");
        assertThat(chain.reader().head().hash()).as(at + "moves no head").isEqualTo(head);
        head = Hash.fromHex(item.at("/params/0/blockHash").asText());
        JsonNode moved = moveHead(ports.port, tokens, item, head);
        assertThat(moved.at("/result/payloadStatus/status").asText())
            .as(at + moved)
            .isEqualTo("VALID");
      }
      assertThat(chain.reader().head().hash()).as(at + "head").isEqualTo(head);
    }
    assertThat(head).isEqualTo(Hash.fromHex(test.get("lastblockhash").asText()));
  }

  private JsonNode moveHead(int port, BearerTokens tokens, JsonNode item, Hash head)
      throws Exception {
    ObjectNode state = JSON.createObjectNode();
    state.put("headBlockHash", head.toString());
    state.put("safeBlockHash", Hash.ZERO.toString());
    state.put("finalizedBlockHash", Hash.ZERO.toString());
    String method = "engine_forkchoiceUpdatedV" + item.get("forkchoiceUpdatedVersion").asText();
    return call(port, tokens, method, JSON.createArrayNode().add(state).addNull());
  }

  private JsonNode call(int port, BearerTokens tokens, String method, JsonNode params)
      throws Exception {
    ObjectNode request = JSON.createObjectNode();
    request.put("jsonrpc", "2.0").put("id", 1).put("method", method).set("params", params);
    HttpRequest post =
        HttpRequest.newBuilder(URI.create("http://127.0.0.1:" + port))
            .header("Content-Type", "application/json")
            .header("Authorization", tokens.header())
            .POST(HttpRequest.BodyPublishers.ofByteArray(JSON.writeValueAsBytes(request)))
            .build();
    return JSON.readTree(http.send(post, HttpResponse.BodyHandlers.ofByteArray()).body());
  }
}
