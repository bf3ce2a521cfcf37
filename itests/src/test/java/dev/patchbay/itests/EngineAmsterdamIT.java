// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.itests;

import static dev.patchbay.itests.EngineDriver.AMSTERDAM;
import static dev.patchbay.itests.EngineDriver.altered;
import static dev.patchbay.itests.EngineDriver.attributes;
import static dev.patchbay.itests.EngineDriver.hash;
import static dev.patchbay.itests.EngineDriver.status;
import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.patchbay.primitives.Address;
import dev.patchbay.primitives.Bytes;
import dev.patchbay.primitives.Transaction;
import dev.patchbay.primitives.TransactionType;
import dev.patchbay.primitives.UInt256;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Block access lists and slot numbers over the Engine API (EIP-7928, EIP-7843). */
class EngineAmsterdamIT {
  private static final String COINBASE = "0x00000000000000000000000000000000000000fe";
  private static final String WITHDRAWER = "0x00000000000000000000000000000000000000ee";

  /** Stores the slot at 0xaa and takes it back, and 1 at the number of the block. */
  private static final String STORES = "0x4b60aa55600060aa556001435500";

  @TempDir static Path folder;
  private static Node node;
  private static EngineDriver driver;
  private static long nonce;

  @BeforeAll
  static void start() throws Exception {
    node = new Node(folder.resolve("node"), "run").quick();
    node.start("--debug", "on", "--genesis", EngineDriver.genesis(folder).toString());
    driver = EngineDriver.of(node);
    driver.adopt(driver.build(EngineDriver.OSAKA));
    driver.adopt(driver.build(AMSTERDAM));
  }

  @AfterAll
  static void stop() throws Exception {
    node.close();
  }

  private static int error(JsonNode reply) {
    return reply.at("/error/code").asInt();
  }

  private static ObjectNode withTransaction(Transaction.Builder transaction) throws Exception {
    node.send(transaction.sign(Accounts.KEYS[0]));
    long at = driver.time + 60; // no other test has had such a block built
    String id = driver.start(attributes(at));
    Thread.sleep(500); // fetching ends the building
    ObjectNode envelope = driver.fetch(id, at);
    assertThat(envelope.at("/executionPayload/transactions")).hasSize(1);
    return envelope;
  }

  @Test
  void theListTellsWhatTheBlockDid() throws Exception {
    ObjectNode envelope =
        withTransaction(
            Accounts.transaction(TransactionType.FEE_MARKET, nonce++)
                .gasLimit(200_000)
                .data(Bytes.fromHex(STORES)));
    driver.adopt(envelope);
    Map<String, String> list = AccessLists.of(envelope);
    assertThat(List.copyOf(list.keySet())).isSorted();
    Address sender = Address.fromHex(Accounts.FIRST);
    Address created = Address.ofCreation(sender, nonce - 1);
    String number = String.format("%02x", Long.decode(number(envelope)));
    assertThat(list.get(created.toString()))
        .isEqualTo("[[" + number + ",[[01,01]]]] [aa] [] [[01,01]] []");
    assertThat(list.get(sender.toString())).matches("\\[] \\[] \\[\\[01,.*]] \\[\\[01,..]] \\[]");
    assertThat(list.get(COINBASE)).matches("\\[] \\[] \\[\\[01,.*]] \\[] \\[]");
    assertThat(list.get(WITHDRAWER)).matches("\\[] \\[] \\[\\[02,.*]] \\[] \\[]");
    assertThat(list).containsKey("0x000f3df6d732807ef1319fb7b8bb8522d0beac02");
    assertThat(list).doesNotContainKey("0xfffffffffffffffffffffffffffffffffffffffe");
  }

  private static String number(JsonNode envelope) {
    return envelope.at("/executionPayload/blockNumber").asText();
  }

  @Test
  void codeSeesTheSlotAndHeadersShowIt() throws Exception {
    // returns the slot: SLOTNUM PUSH0 MSTORE MSIZE PUSH0 RETURN
    String output = node.result("eth_call", Map.of("data", "0x4b5f52595ff3"), "latest").asText();
    JsonNode head = node.result("eth_getBlockByNumber", "latest", false);
    assertThat(UInt256.fromHex(output)).isEqualTo(UInt256.of(driver.time / 12));
    assertThat(head.get("slotNumber").asText())
        .isEqualTo("0x" + Long.toHexString(driver.time / 12));
    String raw = node.result("debug_getRawBlockAccessList", "latest").asText();
    assertThat(head.get("blockAccessListHash").asText())
        .isEqualTo(Bytes.fromHex(raw).keccak().toString());
    JsonNode simulated =
        node.result("eth_simulateV1", Map.of("blockStateCalls", List.of(Map.of())), "latest");
    assertThat(simulated.at("/0/slotNumber").asText())
        .isEqualTo("0x" + Long.toHexString(driver.time / 12 + 1));
    assertThat(simulated.at("/0/blockAccessListHash").isTextual()).isTrue();
  }

  @Test
  void anotherListIsInvalid() throws Exception {
    ObjectNode envelope = driver.build();
    for (String wrong : new String[] {"0xc0", "0x", "0xc1", "0x" + "ff".repeat(4_000_000)}) {
      JsonNode reply = driver.insert(altered(envelope, p -> p.put("blockAccessList", wrong)));
      assertThat(status(reply)).isEqualTo("INVALID");
      assertThat(reply.at("/result/validationError").asText()).contains("blockAccessListHash");
      assertThat(reply.at("/result/latestValidHash").asText()).isEqualTo(driver.head);
    }
    ObjectNode unhashed = envelope.deepCopy();
    ((ObjectNode) unhashed.get("executionPayload")).put("blockAccessList", "0xc0");
    assertThat(driver.insert(unhashed).at("/result/validationError").asText())
        .contains("blockhash mismatch");
    // executed once more, by the list that it was built with
    JsonNode side = driver.insert(altered(envelope, p -> p.put("extraData", "0x51de")));
    assertThat(status(side)).as("" + side).isEqualTo("VALID");
  }

  @Test
  void versionsAndFieldsAreThoseOfTheFork() throws Exception {
    ObjectNode envelope = driver.build();
    for (String field : new String[] {"blockAccessList", "slotNumber"}) {
      ObjectNode without = envelope.deepCopy();
      ((ObjectNode) without.get("executionPayload")).remove(field);
      assertThat(error(driver.insert(without))).as("without " + field).isEqualTo(-32602);
      for (String wrong : new String[] {"", "12", "0xzz"}) {
        ((ObjectNode) without.get("executionPayload")).put(field, wrong);
        assertThat(error(driver.insert(without))).as(field + " " + wrong).isEqualTo(-32602);
      }
    }
    Object[] params = EngineDriver.params(envelope);
    assertThat(error(driver.client.call("engine_newPayloadV4", params))).isEqualTo(-32602);
    String id = driver.start(attributes(driver.time + 24));
    assertThat(error(driver.client.call("engine_getPayloadV5", id))).isEqualTo(-38005);
    ObjectNode state = EngineDriver.state(driver.head, driver.safe, driver.finalized);
    ObjectNode next = attributes(driver.time + 12);
    for (String field : new String[] {"slotNumber", "targetGasLimit", "withdrawals"}) {
      ObjectNode without = next.deepCopy();
      without.remove(field);
      assertThat(error(driver.client.call("engine_forkchoiceUpdatedV4", state, without)))
          .as("without " + field)
          .isEqualTo(-38003);
    }
    ObjectNode old = next.deepCopy();
    old.remove(List.of("slotNumber", "targetGasLimit"));
    assertThat(error(driver.client.call("engine_forkchoiceUpdatedV3", state, old)))
        .isEqualTo(-38005);
    assertThat(error(driver.client.call("engine_forkchoiceUpdatedV3", state, next)))
        .isEqualTo(-38003);
    assertThat(error(driver.client.call("engine_forkchoiceUpdatedV4", state, null, "0x01")))
        .isEqualTo(-32602);
    JsonNode custody =
        driver.client.call("engine_forkchoiceUpdatedV4", state, null, "0x" + "ff".repeat(16));
    assertThat(status(custody)).isEqualTo("VALID");
  }

  @Test
  void theGasLimitMovesTowardsTheTarget() throws Exception {
    long limit =
        Long.decode(node.result("eth_getBlockByNumber", "latest", false).get("gasLimit").asText());
    for (long target : new long[] {limit + 5, limit - 5, 4 * limit, 0}) {
      ObjectNode attributes = attributes(driver.time + 12);
      attributes.put("targetGasLimit", "0x" + Long.toHexString(target));
      ObjectNode envelope = driver.fetch(driver.start(attributes), driver.time + 12);
      long built = Long.decode(envelope.at("/executionPayload/gasLimit").asText());
      long step = limit / 1_024 - 1;
      assertThat(built)
          .as("towards " + target)
          .isEqualTo(Math.max(limit - step, Math.min(limit + step, target)));
      assertThat(status(driver.insert(envelope))).isEqualTo("VALID");
    }
  }

  @Test
  void listsAreThereAfterARestart() throws Exception {
    ObjectNode envelope = driver.grow();
    node.kill();
    node.start("--debug", "on");
    EngineDriver before = driver;
    driver = new EngineDriver(EngineClient.of(node), before.head, before.time);
    JsonNode bodies =
        driver.client.result("engine_getPayloadBodiesByHashV2", List.of(hash(envelope)));
    assertThat(bodies.at("/0/blockAccessList"))
        .isEqualTo(envelope.at("/executionPayload/blockAccessList"));
    driver.grow();
    Object[] many = {"0x1", "0x21"};
    assertThat(error(driver.client.call("engine_getPayloadBodiesByRangeV2", many)))
        .isEqualTo(-38004);
  }
}
