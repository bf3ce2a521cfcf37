// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.itests;

import static dev.patchbay.itests.EngineDriver.ZERO;
import static dev.patchbay.itests.EngineDriver.altered;
import static dev.patchbay.itests.EngineDriver.attributes;
import static dev.patchbay.itests.EngineDriver.hash;
import static dev.patchbay.itests.EngineDriver.params;
import static dev.patchbay.itests.EngineDriver.status;
import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.function.Consumer;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What a consensus client that is wrong, or gone wild, sends: exact codes, bounded memory. */
class EngineInputIT {
  @TempDir Path folder;

  private static void assertError(JsonNode reply, int code) {
    assertThat(reply.at("/error/code").asInt()).as("" + reply).isEqualTo(code);
    assertThat(reply.at("/error/message").asText()).doesNotContain("Exception", "\tat ");
  }

  @Test
  void everyForkHasItsMethods() throws Exception {
    try (Node node = new Node(folder.resolve("forks"), "run").quick()) {
      node.start("--storage", "memory", "--genesis", EngineDriver.genesis(folder).toString());
      EngineDriver driver = EngineDriver.of(node);
      long[] times = {
        52,
        EngineDriver.SHANGHAI,
        EngineDriver.CANCUN,
        EngineDriver.PRAGUE,
        EngineDriver.OSAKA,
        EngineDriver.AMSTERDAM
      };
      for (int fork = 0; fork < times.length; fork++) {
        long time = times[fork];
        String id = driver.start(attributes(time));
        ObjectNode envelope = driver.fetch(id, time);
        for (int version = 1; version <= 6; version++) {
          JsonNode reply = driver.client.call("engine_getPayloadV" + version, id);
          boolean fits = version == fork + 1 || (version == 2 && fork == 0);
          if (fits) {
            assertThat(reply.has("result")).as("fork " + fork + ", V" + version).isTrue();
          } else {
            assertError(reply, -38005);
          }
        }
        Object[] all = params(envelope);
        Object[] four = {all[0], List.of(), EngineDriver.beaconRoot(time), Collections.emptyList()};
        int own = new int[] {1, 2, 3, 4, 4, 5}[fork];
        for (int version = 1; version <= 5; version++) {
          Object[] given = java.util.Arrays.copyOf(four, version < 3 ? 1 : Math.min(version, 4));
          JsonNode reply = driver.client.call("engine_newPayloadV" + version, given);
          if (version == own || (version == 2 && fork == 0)) {
            assertThat(status(reply)).as("" + reply).isEqualTo("VALID");
          } else if (reply.has("error")) {
            assertThat(reply.at("/error/code").asInt()).isIn(-32602, -38005);
          } else {
            throw new AssertionError("fork " + fork + ", V" + version + ": " + reply);
          }
        }
        ObjectNode state = EngineDriver.state(driver.head, ZERO, ZERO);
        int updates = new int[] {1, 2, 3, 3, 3, 4}[fork];
        for (int version = 1; version <= 4; version++) {
          JsonNode reply =
              driver.client.call("engine_forkchoiceUpdatedV" + version, state, attributes(time));
          if (version == updates || (version == 2 && fork == 0)) {
            assertThat(status(reply)).as("" + reply).isEqualTo("VALID");
          } else {
            assertThat(reply.at("/error/code").asInt()).as("" + reply).isIn(-38003, -38005);
          }
        }
        driver.adopt(envelope);
      }
    }
  }

  @Test
  void nonsenseIsToldExactlyAndChangesNothing() throws Exception {
    try (Node node = new Node(folder.resolve("nonsense"), "run").quick()) {
      node.start("--storage", "memory", "--genesis", EngineDriver.genesis(folder).toString());
      EngineDriver driver = EngineDriver.of(node);
      driver.adopt(driver.build(EngineDriver.OSAKA));
      ObjectNode good = driver.build();
      for (String method : List.of("engine_newPayloadV1", "engine_newPayloadV4")) {
        for (Object wrong : List.of("0x", 5, List.of(), Map.of(), true)) {
          assertError(driver.client.call(method, wrong, wrong, wrong, wrong), -32602);
        }
        assertError(driver.client.call(method), -32602);
      }
      for (String method : List.of("engine_forkchoiceUpdatedV1", "engine_forkchoiceUpdatedV3")) {
        for (Object wrong : List.of("0x", 5, List.of(), Map.of(), Map.of("headBlockHash", "0x1"))) {
          assertError(driver.client.call(method, wrong), -32602);
        }
        assertError(driver.client.call(method), -32602);
      }
      JsonNode payload = good.get("executionPayload");
      for (String field : names(payload)) {
        if (field.equals("transactions") || field.equals("withdrawals")) {
          continue;
        }
        for (String wrong : List.of("", "0x", "12", "0x" + "f".repeat(1_000), "0xzz")) {
          if (wrong.length() > 100 && field.equals("extraData")) {
            continue; // long, and bytes all the same: the hash is wrong
          }
          if (wrong.equals("0x") && field.equals("extraData")) {
            continue;
          }
          assertError(withPayload(driver, good, p -> p.put(field, wrong)), -32602);
        }
        assertError(withPayload(driver, good, p -> p.putNull(field)), -32602);
      }
      Object[] given = params(good);
      given[1] = Collections.nCopies(200_000, "0x01" + "00".repeat(31));
      assertThat(status(driver.client.call("engine_newPayloadV4", given))).isEqualTo("INVALID");
      given = params(good);
      given[3] = Collections.nCopies(200_000, "0x00aa");
      assertError(driver.client.call("engine_newPayloadV4", given), -32602);
      List<String> many = Collections.nCopies(129, "0x01" + "00".repeat(31));
      for (int version = 2; version <= 3; version++) {
        String method = "engine_getBlobsV" + version;
        assertError(driver.client.call(method, many), -38004);
        assertError(driver.client.call(method, List.of("0x01")), -32602);
        assertError(driver.client.call(method, "0x01"), -32602);
      }
      assertThat(driver.client.result("engine_getBlobsV2", many.subList(0, 128)).isNull()).isTrue();
      assertThat(driver.client.result("engine_getBlobsV3", many.subList(0, 128))).hasSize(128);
      assertError(driver.client.call("engine_getBlobsV1", many.subList(0, 1)), -38005);
      assertError(
          driver.client.call(
              "engine_getPayloadBodiesByHashV1", Collections.nCopies(1_025, driver.head)),
          -38004);
      assertError(driver.client.call("engine_exchangeCapabilities", List.of(1)), -32602);
      assertError(driver.client.call("engine_newPayloadV9"), -32601);
      ObjectNode extra = good.deepCopy();
      ((ObjectNode) extra.get("executionPayload")).put("weather", "fine");
      assertThat(status(driver.insert(extra))).isEqualTo("VALID");
      assertThat(node.result("eth_getBlockByNumber", "latest", false).get("hash").asText())
          .isEqualTo(driver.head);
    }
  }

  /** Hands a payload over that was changed after its hash was computed. */
  private static JsonNode withPayload(
      EngineDriver driver, ObjectNode envelope, Consumer<ObjectNode> change) throws Exception {
    Object[] given = params(envelope);
    ObjectNode payload = envelope.get("executionPayload").deepCopy();
    change.accept(payload);
    given[0] = payload;
    return driver.client.call("engine_newPayloadV4", given);
  }

  private static List<String> names(JsonNode object) {
    List<String> out = new ArrayList<>();
    object.fieldNames().forEachRemaining(out::add);
    return out;
  }

  /**
   * Blocks on blocks that nobody makes the head: they wait, up to a number, and are found again.
   */
  @Test
  void anEndlessBranchIsBounded() throws Exception {
    Path genesis = EngineDriver.genesis(folder);
    List<ObjectNode> blocks = new ArrayList<>();
    try (Node first = new Node(folder.resolve("first"), "run").quick()) {
      first.start("--storage", "memory", "--genesis", genesis.toString());
      EngineDriver driver = EngineDriver.of(first);
      blocks.add(driver.build(EngineDriver.OSAKA));
      driver.adopt(blocks.get(0));
      for (int i = 1; i < 700; i++) {
        blocks.add(driver.grow());
      }
    }
    try (Node node = new Node(folder.resolve("second"), "run").quick()) {
      node.start(
          Map.of(Node.JAVA_OPTIONS, "-Xmx192m"),
          "--storage",
          "memory",
          "--genesis",
          genesis.toString());
      EngineDriver driver = EngineDriver.of(node);
      int accepted = 0;
      for (ObjectNode block : blocks) {
        String status = status(driver.insert(block));
        assertThat(status).isIn("VALID", "ACCEPTED", "SYNCING");
        accepted += status.equals("VALID") ? 1 : 0;
      }
      assertThat(accepted).isBetween(512, 600);
      assertThat(node.result("eth_blockNumber").asText()).isEqualTo("0x0");
      driver.setHead(hash(blocks.get(accepted - 1)), EngineDriver.timeOf(blocks.get(accepted - 1)));
      for (ObjectNode block : blocks) {
        assertThat(status(driver.insert(block))).isEqualTo("VALID");
      }
      ObjectNode last = blocks.get(blocks.size() - 1);
      driver.setHead(hash(last), EngineDriver.timeOf(last));
      assertThat(node.result("eth_blockNumber").asText()).isEqualTo("0x2bc");
      ObjectNode side = altered(blocks.get(650), p -> p.put("extraData", "0x05"));
      assertThat(status(driver.insert(side))).isEqualTo("VALID");
      System.out.printf("endless branch: %d blocks were valid beside the chain%n", accepted);
    }
  }
}
