// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.itests;

import static dev.patchbay.itests.EngineDriver.ZERO;
import static dev.patchbay.itests.EngineDriver.altered;
import static dev.patchbay.itests.EngineDriver.attributes;
import static dev.patchbay.itests.EngineDriver.hash;
import static dev.patchbay.itests.EngineDriver.params;
import static dev.patchbay.itests.EngineDriver.status;
import static dev.patchbay.itests.EngineDriver.timeOf;
import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.patchbay.primitives.Address;
import dev.patchbay.primitives.Transaction;
import dev.patchbay.primitives.TransactionType;
import dev.patchbay.primitives.UInt256;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.function.Consumer;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * What implementers of the Engine API get wrong, one test for each rule: the order of checks, the
 * memory of bad blocks, fork choice that is all or nothing, and payloads that get better.
 */
class EngineRulesIT {
  private static final String UNKNOWN = "0x" + "ab".repeat(32);

  @TempDir static Path folder;
  private static Node node;
  private static EngineDriver driver;
  private static long nonce;

  @BeforeAll
  static void start() throws Exception {
    node = new Node(folder.resolve("node"), "run").quick();
    node.start("--storage", "memory", "--genesis", EngineDriver.genesis(folder).toString());
    driver = EngineDriver.of(node);
    driver.adopt(driver.build(EngineDriver.OSAKA));
    for (int i = 0; i < 5; i++) {
      driver.grow();
    }
  }

  @AfterAll
  static void stop() throws Exception {
    node.close();
  }

  @BeforeEach
  void aHeadThatIsOurs() throws Exception {
    driver.setHead(driver.head, driver.time);
  }

  private static String latestValid(JsonNode reply) {
    return reply.at("/result/latestValidHash").asText(null);
  }

  private static void assertInvalid(JsonNode reply, String latestValid) {
    assertThat(status(reply)).as("" + reply).isEqualTo("INVALID");
    assertThat(latestValid(reply)).as("" + reply).isEqualTo(latestValid);
    assertThat(reply.at("/result/validationError").asText()).isNotBlank();
  }

  private static void assertError(JsonNode reply, int code) {
    assertThat(reply.at("/error/code").asInt()).as("" + reply).isEqualTo(code);
    assertThat(reply.at("/error").has("data")).as("" + reply).isFalse();
  }

  private static String headOfNode() throws Exception {
    return node.result("eth_getBlockByNumber", "latest", false).get("hash").asText();
  }

  private static ObjectNode withStateRoot(JsonNode envelope, int salt) {
    return altered(envelope, p -> p.put("stateRoot", String.format("0x%064x", 77_000 + salt)));
  }

  private static String send(long tip) throws Exception {
    return node.send(
        Transaction.builder(TransactionType.FEE_MARKET)
            .chainId(UInt256.of(1337))
            .nonce(nonce++)
            .maxFeePerGas(UInt256.of(100_000_000_000L))
            .maxPriorityFeePerGas(UInt256.of(tip))
            .gasLimit(21_000)
            .to(Address.fromHex("0x00000000000000000000000000000000000000aa"))
            .value(UInt256.ONE)
            .sign(Accounts.KEYS[0]));
  }

  // ---- newPayload

  @Test
  void rule01ParametersThenForkThenRequestsThenTransactionsThenBlobsThenHash() throws Exception {
    ObjectNode good = driver.build();
    String method = "engine_newPayloadV4";
    for (int missing = 0; missing < 4; missing++) {
      Object[] params = params(good);
      params[missing] = null;
      assertError(driver.client.call(method, params), -32602);
      assertError(driver.client.call("engine_newPayloadV3", withNull(params)), -32602);
    }
    for (String field :
        List.of("parentHash", "logsBloom", "withdrawals", "blobGasUsed", "transactions")) {
      ObjectNode lacking = good.deepCopy();
      ((ObjectNode) lacking.get("executionPayload")).remove(field);
      assertError(driver.insert(lacking), -32602);
      ((ObjectNode) lacking.get("executionPayload")).put(field, "0xzz");
      assertError(driver.insert(lacking), -32602);
    }
    Object[] threes = java.util.Arrays.copyOf(params(good), 3);
    assertError(driver.client.call("engine_newPayloadV3", threes), -38005);
    assertError(driver.client.call("engine_newPayloadV1", threes[0]), -32602);
    ObjectNode older = good.deepCopy();
    for (String field : List.of("blobGasUsed", "excessBlobGas")) {
      ((ObjectNode) older.get("executionPayload")).remove(field);
    }
    assertError(driver.client.call("engine_newPayloadV2", older.get("executionPayload")), -38005);
    for (String[] bad :
        new String[][] {{"0x00"}, {"0x"}, {"0x01aa", "0x00bb"}, {"0x00aa", "0x00bb"}}) {
      ObjectNode requests = good.deepCopy();
      ArrayNode list = requests.putArray("executionRequests");
      for (String request : bad) {
        list.add(request);
      }
      assertError(driver.insert(requests), -32602);
    }
    // from here on the block is not valid, whatever else: no ancestor is named, syncing or not
    for (String parent : List.of(driver.head, UNKNOWN)) {
      for (String raw : List.of("0x", "0x05", "0xf8")) {
        ObjectNode undecodable = good.deepCopy();
        ObjectNode p = (ObjectNode) undecodable.get("executionPayload");
        p.put("parentHash", parent);
        p.putArray("transactions").add(raw);
        Object[] params = params(good);
        params[0] = p;
        assertInvalid(driver.client.call(method, params), null);
      }
      ObjectNode elsewhere = altered(good, p -> p.put("parentHash", parent));
      Object[] params = params(elsewhere);
      params[1] = List.of("0x01" + "00".repeat(31));
      assertInvalid(driver.client.call(method, params), null);
      ((ObjectNode) elsewhere.get("executionPayload")).put("gasUsed", "0x1");
      assertInvalid(driver.insert(elsewhere), null);
    }
    assertThat(status(driver.insert(good))).isEqualTo("VALID");
  }

  private static Object[] withNull(Object[] params) {
    Object[] out = java.util.Arrays.copyOf(params, 3);
    out[2] = null;
    return out;
  }

  @Test
  void rule02AKnownPayloadIsValidAgain() throws Exception {
    ObjectNode payload = driver.build();
    for (int i = 0; i < 3; i++) {
      JsonNode reply = driver.insert(payload);
      assertThat(status(reply)).isEqualTo("VALID");
      assertThat(latestValid(reply)).isEqualTo(hash(payload));
    }
    driver.setHead(hash(payload), timeOf(payload));
    assertThat(status(driver.insert(payload))).isEqualTo("VALID");
  }

  @Test
  void rule03WhatBuildsOnABadBlockIsInvalidAndTheParentOfTheFirstIsNamed() throws Exception {
    String parent = driver.head;
    ObjectNode bad = withStateRoot(driver.build(), 3);
    assertInvalid(driver.insert(bad), parent);
    ObjectNode child = onTopOf(bad);
    assertInvalid(driver.insert(child), parent);
    assertInvalid(driver.insert(onTopOf(child)), parent);
    assertInvalid(driver.insert(bad), parent);
  }

  private static ObjectNode onTopOf(JsonNode envelope) {
    ObjectNode later = envelope.deepCopy();
    ObjectNode p = (ObjectNode) later.get("executionPayload");
    p.put("timestamp", "0x" + Long.toHexString(timeOf(envelope) + 12));
    return altered(
        later,
        next ->
            next.put("parentHash", hash(envelope))
                .put(
                    "blockNumber",
                    "0x" + Long.toHexString(Long.decode(next.get("blockNumber").asText()) + 1)));
  }

  @Test
  void rule04AnUnknownParentIsSyncing() throws Exception {
    ObjectNode orphan = altered(driver.build(), p -> p.put("parentHash", UNKNOWN));
    JsonNode reply = driver.insert(orphan);
    assertThat(status(reply)).isEqualTo("SYNCING");
    assertThat(latestValid(reply)).isNull();
    assertThat(node.result("eth_syncing").asBoolean()).isFalse(); // no sync for a payload alone
  }

  @Test
  void rule05And19AParentWithoutStateIsAcceptedAndTheForkChoiceNeverSaysSo() throws Exception {
    ObjectNode sibling = altered(driver.build(), p -> p.put("extraData", "0x05"));
    for (int i = 0; i < 3; i++) {
      driver.grow();
    }
    assertThat(status(driver.insert(sibling))).isEqualTo("VALID"); // a side chain is executed, too
    ObjectNode far = altered(driver.build(), p -> p.put("extraData", "0x0505"));
    for (int i = 0; i < 140; i++) {
      driver.grow();
    }
    JsonNode accepted = driver.insert(far);
    assertThat(status(accepted)).as("" + accepted).isEqualTo("ACCEPTED");
    assertThat(latestValid(accepted)).isNull();
    assertThat(status(driver.update(timeOf(far), hash(far), ZERO, ZERO, null)))
        .isEqualTo("SYNCING");
    assertThat(headOfNode()).isEqualTo(driver.head);
  }

  @Test
  void rule06ATimestampThatIsNotLaterIsInvalid() throws Exception {
    ObjectNode built = driver.build();
    ObjectNode early = built.deepCopy();
    ((ObjectNode) early.get("executionPayload"))
        .put("timestamp", "0x" + Long.toHexString(driver.time));
    assertInvalid(driver.insert(altered(early, p -> {})), driver.head);
  }

  @Test
  void rule07AFailureOfExecutionNamesTheNearestValidAncestorAndIsNotSeenElsewhere()
      throws Exception {
    ObjectNode good = driver.build();
    List<Consumer<ObjectNode>> faults =
        List.of(
            p -> p.put("stateRoot", "0x" + "07".repeat(32)),
            p -> p.put("receiptsRoot", "0x" + "07".repeat(32)),
            p -> p.put("gasUsed", "0x5208"),
            p -> p.put("gasLimit", "0x1"),
            p -> p.put("baseFeePerGas", "0x1"),
            p -> p.put("blockNumber", "0x1"),
            p -> p.put("blobGasUsed", "0x20000"),
            p -> p.put("excessBlobGas", "0x20000"),
            p -> p.put("extraData", "0x" + "07".repeat(33)),
            p -> p.put("logsBloom", "0x" + "07".repeat(256)));
    for (Consumer<ObjectNode> fault : faults) {
      ObjectNode bad = altered(good, fault);
      assertInvalid(driver.insert(bad), driver.head);
      assertThat(node.result("eth_getBlockByHash", hash(bad), false).isNull()).isTrue();
      assertThat(headOfNode()).isEqualTo(driver.head);
    }
  }

  @Test
  void rule08And09TenThousandBadBlocksAreForgottenAndNoneBecomesValid() throws Exception {
    ObjectNode good = driver.build();
    for (int i = 0; i < 10_000; i++) {
      assertInvalid(driver.insert(withStateRoot(good, 100 + i)), driver.head);
    }
    ObjectNode asked = withStateRoot(good, 8);
    for (int i = 0; i < 300; i++) { // it is tried again now and then, and stays what it is
      assertInvalid(driver.insert(asked), driver.head);
    }
    assertThat(node.shell("bundle:restart", "dev.patchbay.evm.engine").status()).isZero();
    assertInvalid(driver.insert(asked), driver.head);
    assertThat(status(driver.insert(good))).isEqualTo("VALID");
    assertThat(headOfNode()).isEqualTo(driver.head);
  }

  @Test
  void rule10TheChainGoesOnWhileOrphansComeIn() throws Exception {
    ObjectNode orphan = altered(driver.build(), p -> p.put("parentHash", UNKNOWN));
    AtomicBoolean running = new AtomicBoolean(true);
    List<String> wrong = new ArrayList<>();
    Thread other =
        new Thread(
            () -> {
              try {
                for (int i = 0; running.get(); i++) {
                  String extra = String.format("0x%08x", i);
                  ObjectNode next = altered(orphan, p -> p.put("extraData", extra));
                  if (!status(driver.insert(next)).equals("SYNCING")) {
                    wrong.add(extra);
                  }
                }
              } catch (Exception failure) {
                wrong.add("" + failure);
              }
            });
    other.start();
    for (int i = 0; i < 30; i++) {
      driver.grow();
    }
    running.set(false);
    other.join();
    assertThat(wrong).isEmpty();
    assertThat(headOfNode()).isEqualTo(driver.head);
  }

  // ---- forkchoiceUpdated

  @Test
  void rule11AnUnknownHeadIsSyncingAndABadOneInvalid() throws Exception {
    long next = driver.time + 12;
    JsonNode unknown = driver.update(next, UNKNOWN, ZERO, ZERO, attributes(next));
    assertThat(status(unknown)).isEqualTo("SYNCING");
    assertThat(unknown.at("/result/payloadId").isNull()).isTrue();
    ObjectNode bad = withStateRoot(driver.build(), 11);
    assertInvalid(driver.insert(bad), driver.head);
    JsonNode reply = driver.update(next, hash(bad), ZERO, ZERO, attributes(next));
    assertThat(status(reply)).isEqualTo("INVALID");
    assertThat(reply.at("/result/payloadStatus/latestValidHash").asText()).isEqualTo(driver.head);
    assertThat(reply.at("/result/payloadId").isNull()).isTrue();
    assertThat(headOfNode()).isEqualTo(driver.head);
  }

  @Test
  void rule12AnAncestorOfTheFinalizedBlockChangesNothing() throws Exception {
    String old = driver.head;
    driver.grow();
    driver.grow();
    driver.finalized = driver.head;
    driver.safe = driver.head;
    driver.grow();
    long next = driver.time + 12;
    JsonNode reply = driver.update(next, old, ZERO, ZERO, attributes(next));
    assertThat(status(reply)).as("" + reply).isEqualTo("VALID");
    assertThat(reply.at("/result/payloadStatus/latestValidHash").asText()).isEqualTo(old);
    assertThat(reply.at("/result/payloadId").isNull()).isTrue();
    assertThat(headOfNode()).isEqualTo(driver.head);
  }

  @Test
  void rule13AnAncestorAboveTheFinalizedBlockIsAReorganisationUpToADepth() throws Exception {
    driver.grow();
    String near = driver.head;
    final long nearTime = driver.time;
    for (int i = 0; i < 3; i++) {
      driver.grow();
    }
    final String top = driver.head;
    final long topTime = driver.time;
    JsonNode back = driver.update(nearTime + 12, near, ZERO, ZERO, attributes(nearTime + 12));
    assertThat(status(back)).as("" + back).isEqualTo("VALID");
    assertThat(back.at("/result/payloadId").isTextual()).isTrue();
    assertThat(headOfNode()).isEqualTo(near);
    driver.setHead(top, topTime);
    assertThat(headOfNode()).isEqualTo(top);
    for (int i = 0; i < 33; i++) {
      driver.grow();
    }
    assertError(driver.update(topTime, top, ZERO, ZERO, null), -38006);
    assertThat(headOfNode()).isEqualTo(driver.head);
  }

  @Test
  void rule14SafeAndFinalizedAreCheckedBeforeTheHeadMoves() throws Exception {
    String before = driver.head;
    ObjectNode next = driver.build();
    ObjectNode side = altered(next, p -> p.put("extraData", "0x14"));
    assertThat(status(driver.insert(next))).isEqualTo("VALID");
    assertThat(status(driver.insert(side))).isEqualTo("VALID");
    long at = timeOf(next);
    for (String wrong : List.of(UNKNOWN, hash(side))) {
      assertError(driver.update(at, hash(next), wrong, ZERO, null), -38002);
      assertError(driver.update(at, hash(next), ZERO, wrong, null), -38002);
      assertThat(headOfNode()).isEqualTo(before);
    }
    assertThat(status(driver.update(at, hash(next), hash(next), before, null))).isEqualTo("VALID");
    driver.head = hash(next);
    driver.time = at;
    assertThat(node.result("eth_getBlockByNumber", "safe", false).get("hash").asText())
        .isEqualTo(hash(next));
    assertThat(node.result("eth_getBlockByNumber", "finalized", false).get("hash").asText())
        .isEqualTo(before);
  }

  @Test
  void rule15ZeroLeavesSafeAndFinalizedAsTheyAre() throws Exception {
    String marked = driver.head;
    assertThat(status(driver.update(driver.time, marked, marked, marked, null))).isEqualTo("VALID");
    driver.grow();
    assertThat(status(driver.update(driver.time, driver.head, ZERO, ZERO, null)))
        .isEqualTo("VALID");
    for (String tag : List.of("safe", "finalized")) {
      assertThat(node.result("eth_getBlockByNumber", tag, false).get("hash").asText())
          .isEqualTo(marked);
    }
  }

  @Test
  void rule16AttributesComeAfterTheHeadAndLeaveItWhereItIs() throws Exception {
    List<Consumer<ObjectNode>> malformed =
        List.of(
            a -> a.remove("withdrawals"),
            a -> a.remove("parentBeaconBlockRoot"),
            a -> a.remove("prevRandao"),
            a -> a.put("suggestedFeeRecipient", "0x12"),
            a -> a.put("timestamp", "0x" + Long.toHexString(driver.time)),
            a -> a.put("timestamp", "0x0").remove("withdrawals"));
    for (Consumer<ObjectNode> fault : malformed) {
      ObjectNode next = driver.build();
      assertThat(status(driver.insert(next))).isEqualTo("VALID");
      driver.time = timeOf(next);
      ObjectNode attributes = attributes(driver.time + 12);
      fault.accept(attributes);
      assertError(driver.update(driver.time, hash(next), ZERO, ZERO, attributes), -38003);
      assertThat(headOfNode()).isEqualTo(hash(next));
      driver.head = hash(next);
    }
    ObjectNode early = attributes(EngineDriver.PRAGUE - 1);
    ObjectNode shanghai = attributes(EngineDriver.CANCUN - 1);
    shanghai.put("parentBeaconBlockRoot", UNKNOWN);
    assertError(driver.update(driver.time, driver.head, ZERO, ZERO, shanghai), -38005);
    assertError(driver.update(driver.time, driver.head, ZERO, ZERO, early), -38003);
  }

  @Test
  void rule17TheSameHeadWithAttributesStartsAPayload() throws Exception {
    for (int i = 0; i < 2; i++) {
      assertThat(driver.start(attributes(driver.time + 12))).hasSize(18);
    }
  }

  @Test
  void rule18AHeadOfZerosIsInvalidWithoutAnError() throws Exception {
    JsonNode reply = driver.update(driver.time, ZERO, ZERO, ZERO, null);
    assertThat(status(reply)).as("" + reply).isEqualTo("INVALID");
    assertThat(reply.at("/result/payloadStatus/latestValidHash").isNull()).isTrue();
  }

  // ---- building

  @Test
  void rule20EveryChangeOfTheAttributesIsAnotherPayload() throws Exception {
    long next = driver.time + 12;
    Set<String> ids = new HashSet<>();
    List<Consumer<ObjectNode>> changes =
        List.of(
            a -> {},
            a -> a.put("timestamp", "0x" + Long.toHexString(next + 1)),
            a -> a.put("prevRandao", UNKNOWN),
            a -> a.put("suggestedFeeRecipient", "0x" + "12".repeat(20)),
            a -> a.put("parentBeaconBlockRoot", UNKNOWN),
            a -> a.putArray("withdrawals"),
            a -> ((ObjectNode) a.at("/withdrawals/0")).put("amount", "0x2"));
    for (Consumer<ObjectNode> change : changes) {
      ObjectNode attributes = attributes(next);
      change.accept(attributes);
      String id = driver.start(attributes);
      assertThat(driver.start(attributes)).isEqualTo(id);
      assertThat(id).startsWith("0x03");
      assertThat(ids.add(id)).as("" + attributes).isTrue();
    }
    driver.grow();
    assertThat(ids.add(driver.start(attributes(next + 12)))).isTrue();
  }

  @Test
  void rule21APayloadIsThereAtOnceGetsBetterAndIsAnsweredTwice() throws Exception {
    long next = driver.time + 12;
    JsonNode first = driver.fetch(driver.start(attributes(next)), next);
    assertThat(first.at("/executionPayload/parentHash").asText()).isEqualTo(driver.head);
    ObjectNode attributes = attributes(next);
    attributes.put("prevRandao", UNKNOWN);
    String id = driver.start(attributes);
    String hash = send(2_000_000_000L);
    ObjectNode envelope = null;
    Thread.sleep(2_000);
    envelope = driver.fetch(id, next);
    assertThat(envelope.at("/executionPayload/transactions")).as("" + envelope).isNotEmpty();
    send(3_000_000_000L);
    Thread.sleep(1_000);
    assertThat(driver.fetch(id, next)).isEqualTo(envelope);
    driver.adopt(envelope);
    assertThat(node.result("eth_getTransactionReceipt", hash).get("status").asText())
        .isEqualTo("0x1");
    assertError(driver.client.call("engine_getPayloadV5", "0x03000000000000ff"), -38001);
    assertError(driver.client.call("engine_getPayloadV5", "0x03"), -38001);
    assertError(driver.client.call("engine_getPayloadV5", "nonsense"), -32602);
    for (int other = 1; other < 5; other++) {
      assertError(driver.client.call("engine_getPayloadV" + other, id), -38005);
    }
  }

  @Test
  void rule22TheValueIsWhatTipsAreWorthAndEmptyBundlesAreLists() throws Exception {
    send(5_000_000_000L);
    ObjectNode attributes = attributes(driver.time + 12);
    attributes.put("prevRandao", "0x" + "22".repeat(32));
    String id = driver.start(attributes);
    Thread.sleep(1_000);
    ObjectNode envelope = driver.fetch(id, driver.time + 12);
    long count = envelope.at("/executionPayload/transactions").size();
    assertThat(count).isPositive();
    String coinbase = envelope.at("/executionPayload/feeRecipient").asText();
    UInt256 before = UInt256.fromHex(node.result("eth_getBalance", coinbase, "latest").asText());
    driver.adopt(envelope);
    UInt256 after = UInt256.fromHex(node.result("eth_getBalance", coinbase, "latest").asText());
    assertThat(UInt256.fromHex(envelope.get("blockValue").asText()))
        .isEqualTo(after.subtract(before));
    for (String list : List.of("blobs", "commitments", "proofs")) {
      assertThat(envelope.at("/blobsBundle/" + list).isArray()).isTrue();
    }
    assertThat(envelope.get("executionRequests").isArray()).isTrue();
    assertThat(envelope.get("shouldOverrideBuilder").isBoolean()).isTrue();
  }

  @Test
  void rule23APayloadOutlivesTheBuilderThatStartedIt() throws Exception {
    for (String bundle :
        List.of("dev.patchbay.payload", "dev.patchbay.txpool", "dev.patchbay.evm.engine")) {
      String hash = send(2_000_000_000L);
      String id = driver.start(attributes(driver.time + 12));
      assertThat(node.shell("bundle:restart", bundle).status()).isZero();
      ObjectNode envelope = driver.fetch(id, driver.time + 12);
      assertThat(driver.fetch(id, driver.time + 12)).isEqualTo(envelope);
      driver.adopt(envelope);
      if (!bundle.endsWith("txpool")) {
        assertThat(node.result("eth_getTransactionReceipt", hash).isNull()).as(bundle).isFalse();
      } else { // its transactions come back, perhaps after the payload was fetched
        Journeys.awaitTransaction(node, hash);
      }
    }
  }
}
