// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.itests;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.patchbay.primitives.Address;
import dev.patchbay.primitives.Bytes;
import dev.patchbay.primitives.Hash;
import dev.patchbay.primitives.Transaction;
import dev.patchbay.primitives.TransactionType;
import dev.patchbay.primitives.UInt256;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** op-node by script: it has blocks of a rollup built, with deposits, and makes them the head. */
final class OpDriver {
  /** The forks after Bedrock, in order; each begins {@link #STEP} seconds after the one before. */
  static final List<String> FORKS =
      List.of("regolith", "canyon", "ecotone", "fjord", "granite", "holocene", "isthmus", "jovian");

  static final long STEP = 100;

  static final String SEQUENCER_VAULT = predeploy(0x11);
  static final String L1_BLOCK = predeploy(0x15);
  static final String MESSAGE_PASSER = predeploy(0x16);
  static final String BASE_FEE_VAULT = predeploy(0x19);
  static final String L1_FEE_VAULT = predeploy(0x1a);
  static final String OPERATOR_VAULT = predeploy(0x1b);

  /** Reverts, whatever it is asked. */
  static final String REVERTER = "0x00000000000000000000000000000000000000dd";

  // what L1 is said to be, all along
  static final long BASE_FEE = 1_000_000_000;
  static final long BLOB_BASE_FEE = 10_000_000;
  static final long OVERHEAD = 50;
  static final long SCALAR = 7_000_000;
  static final long BASE_FEE_SCALAR = 2_000;
  static final long BLOB_BASE_FEE_SCALAR = 3_000;
  static final long OPERATOR_SCALAR = 5_000;
  static final long OPERATOR_CONSTANT = 1_234;
  static final long DA_SCALAR = 500;

  private static final ObjectMapper JSON = new ObjectMapper();
  private static final Address DEPOSITOR =
      Address.fromHex("0xdeaddeaddeaddeaddeaddeaddeaddeaddead0001");
  private static final int[] UPDATED = {1, 1, 2, 3, 3, 3, 3, 3, 3};
  private static final int[] GET = {2, 2, 2, 3, 3, 3, 3, 4, 4};

  /**
   * Stores what the real predeploy does, in the same slots. By selector the arguments of Bedrock
   * are words, those of later forks are packed.
   */
  private static final String L1_BLOCK_CODE =
      "0x60003560e01c63015d8eb914603857" // calldata's selector; to the last part for Bedrock's
          + "60043560801c600355" // both scalars and the sequence number
          + "602435600155" // base fee
          + "604435600755" // blob base fee
          + "60b03560f01c60601b" // scalar of the DA footprint
          + "60a43560a01c17600855" // scalar and constant of the operator fee
          + "00"
          + "5b604435600155" // base fee
          + "60c435600555" // overhead
          + "60e435600655" // scalar
          + "00";

  final EngineClient client;
  String head;
  long time;
  private long sequence;

  private OpDriver(EngineClient client, String head, long time) {
    this.client = client;
    this.head = head;
    this.time = time;
  }

  /** Goes on where a node stands. */
  static OpDriver of(Node node) throws Exception {
    return of(EngineClient.of(node));
  }

  /** Goes on where a node stands. */
  static OpDriver of(EngineClient client) throws Exception {
    JsonNode head = client.result("eth_getBlockByNumber", "latest", false);
    return new OpDriver(
        client, head.get("hash").asText(), Long.decode(head.get("timestamp").asText()));
  }

  private static String predeploy(int number) {
    return String.format("0x42%038x", number);
  }

  /** Writes the genesis of a rollup with the accounts of the development chain. */
  static Path genesis(Path folder) throws Exception {
    ObjectNode genesis = (ObjectNode) JSON.readTree(Files.readString(EngineDriver.genesis(folder)));
    ObjectNode config = (ObjectNode) genesis.get("config");
    config.remove(
        List.of(
            "shanghaiTime",
            "cancunTime",
            "pragueTime",
            "osakaTime",
            "amsterdamTime",
            "blobSchedule"));
    config.put("bedrockBlock", 0);
    for (String fork : FORKS) {
      config.put(fork + "Time", begin(fork));
    }
    config.put("shanghaiTime", begin("canyon")).put("cancunTime", begin("ecotone"));
    config.put("pragueTime", begin("isthmus"));
    config
        .putObject("optimism")
        .put("eip1559Elasticity", 6)
        .put("eip1559Denominator", 50)
        .put("eip1559DenominatorCanyon", 250);
    ObjectNode alloc = (ObjectNode) genesis.get("alloc");
    alloc.putObject(L1_BLOCK).put("balance", "0x0").put("code", L1_BLOCK_CODE);
    // keeps the number of the block under its timestamp
    alloc.putObject(MESSAGE_PASSER).put("balance", "0x0").put("code", "0x43425500");
    alloc.putObject(REVERTER).put("balance", "0x0").put("code", "0x60006000fd");
    return Files.writeString(folder.resolve("genesis-op.json"), genesis.toString());
  }

  /** Returns the first timestamp of a fork. */
  static long begin(String fork) {
    return STEP * (1 + FORKS.indexOf(fork));
  }

  /** Returns whether a fork holds at a time. */
  static boolean is(String fork, long time) {
    return time >= begin(fork);
  }

  private static int fork(long time) {
    return (int) Math.min(FORKS.size(), time / STEP);
  }

  // ---- deposits

  private static Hash source(long domain, Hash id) {
    byte[] words = ByteBuffer.allocate(64).putLong(24, domain).put(32, id.toArray()).array();
    return Hash.keccak(words);
  }

  /** Returns the source hash of the L1 attributes of a block. */
  static Hash attributesSource(Hash l1Block, long sequence) {
    byte[] id = ByteBuffer.allocate(64).put(l1Block.toArray()).putLong(56, sequence).array();
    return source(1, Hash.keccak(id));
  }

  /** Returns the source hash of a deposit that a log on L1 asks for. */
  static Hash userSource(Hash l1Block, long logIndex) {
    byte[] id = ByteBuffer.allocate(64).put(l1Block.toArray()).putLong(56, logIndex).array();
    return source(0, Hash.keccak(id));
  }

  /** Returns the source hash of a deposit of an upgrade. */
  static Hash upgradeSource(String intent) {
    return source(2, Hash.keccak(intent.getBytes(StandardCharsets.UTF_8)));
  }

  /** Returns a deposit that a user asks for. */
  static Transaction deposit(
      long log,
      String from,
      @Nullable String to,
      UInt256 mint,
      UInt256 value,
      long gas,
      String data) {
    return Transaction.builder(TransactionType.DEPOSIT)
        .sender(Address.fromHex(from))
        .to(to == null ? null : Address.fromHex(to))
        .deposit(new Transaction.Deposit(userSource(Hash.ZERO, log), mint, false))
        .value(value)
        .gasLimit(gas)
        .data(Bytes.fromHex(data))
        .build();
  }

  /** Returns what each block begins with; the first of a fork still in the form before. */
  private Transaction attributesDeposit(long at) {
    long form = Math.min(at, time); // of the parent's fork
    boolean regolith = is("regolith", at);
    return Transaction.builder(TransactionType.DEPOSIT)
        .sender(DEPOSITOR)
        .to(Address.fromHex(L1_BLOCK))
        .deposit(
            new Transaction.Deposit(
                attributesSource(Hash.ZERO, sequence++), UInt256.ZERO, !regolith))
        .gasLimit(regolith ? 1_000_000 : 150_000_000)
        .data(Bytes.wrap(is("ecotone", form) ? packed(form, at) : words(at)))
        .build();
  }

  private byte[] words(long at) {
    return ByteBuffer.allocate(4 + 8 * 32)
        .putInt(0x015d8eb9)
        .putLong(4 + 24, 1)
        .putLong(36 + 24, at)
        .putLong(68 + 24, BASE_FEE)
        .putLong(132 + 24, sequence)
        .putLong(196 + 24, OVERHEAD)
        .putLong(228 + 24, SCALAR)
        .array();
  }

  private byte[] packed(long form, long at) {
    boolean isthmus = is("isthmus", form);
    boolean jovian = is("jovian", form);
    ByteBuffer out = ByteBuffer.allocate(jovian ? 178 : isthmus ? 176 : 164);
    out.putInt(jovian ? 0x3db6be2b : isthmus ? 0x098999be : 0x440a5e20);
    out.putInt((int) BASE_FEE_SCALAR).putInt((int) BLOB_BASE_FEE_SCALAR).putLong(sequence);
    out.putLong(at).putLong(1).putLong(60, BASE_FEE).putLong(92, BLOB_BASE_FEE);
    if (isthmus) {
      out.putInt(164, (int) OPERATOR_SCALAR).putLong(168, OPERATOR_CONSTANT);
    }
    if (jovian) {
      out.putShort(176, (short) DA_SCALAR);
    }
    return out.array();
  }

  // ---- blocks

  /** Returns attributes for a block that begins with L1's and some deposits. */
  ObjectNode attributes(long at, boolean noTxPool, Transaction... more) {
    ObjectNode out = JSON.createObjectNode();
    out.put("timestamp", "0x" + Long.toHexString(at));
    out.put("prevRandao", String.format("0x%064x", at + 1));
    out.put("suggestedFeeRecipient", SEQUENCER_VAULT);
    if (is("canyon", at)) {
      out.putArray("withdrawals");
    }
    if (is("ecotone", at)) {
      out.put("parentBeaconBlockRoot", EngineDriver.beaconRoot(at));
    }
    ArrayNode transactions = out.putArray("transactions");
    transactions.add(Accounts.raw(attributesDeposit(at)));
    for (Transaction transaction : more) {
      transactions.add(Accounts.raw(transaction));
    }
    out.put("noTxPool", noTxPool);
    out.put("gasLimit", "0x1c9c380");
    if (is("holocene", at)) {
      out.put("eip1559Params", "0x000000fa00000006");
    }
    if (is("jovian", at)) {
      out.put("minBaseFee", 1_000_000_000); // a number, as op-node writes it
    }
    return out;
  }

  /** Sends a fork choice; returns the whole reply. */
  JsonNode update(String to, @Nullable ObjectNode attributes) throws Exception {
    ObjectNode state = EngineDriver.state(to, EngineDriver.ZERO, EngineDriver.ZERO);
    long at = attributes == null ? 0 : Long.decode(attributes.get("timestamp").asText());
    int version = attributes == null ? 3 : UPDATED[fork(at)];
    return client.call("engine_forkchoiceUpdatedV" + version, state, attributes);
  }

  /** Starts a payload on the head; returns its id. */
  String start(ObjectNode attributes) throws Exception {
    JsonNode reply = update(head, attributes);
    if (!reply.at("/result/payloadId").isTextual()) {
      throw new AssertionError("no payload was started: " + reply);
    }
    return reply.at("/result/payloadId").asText();
  }

  /** Fetches a payload. */
  ObjectNode fetch(String id, long at) throws Exception {
    return (ObjectNode) client.result("engine_getPayloadV" + GET[fork(at)], id);
  }

  /** Hands a payload over; returns the whole reply. */
  JsonNode insert(JsonNode envelope) throws Exception {
    long at = EngineDriver.timeOf(envelope);
    JsonNode payload = envelope.get("executionPayload");
    String root = envelope.path("parentBeaconBlockRoot").asText();
    return switch (GET[fork(at)]) {
      case 2 -> client.call("engine_newPayloadV2", payload);
      case 3 -> client.call("engine_newPayloadV3", payload, List.of(), root);
      default -> client.call("engine_newPayloadV4", payload, List.of(), root, List.of());
    };
  }

  /** Hands a payload over and makes it the head. */
  void adopt(JsonNode envelope) throws Exception {
    JsonNode inserted = insert(envelope);
    if (!EngineDriver.status(inserted).equals("VALID")) {
      throw new AssertionError("the payload is not valid: " + inserted);
    }
    String hash = EngineDriver.hash(envelope);
    JsonNode updated = update(hash, null);
    if (!EngineDriver.status(updated).equals("VALID")) {
      throw new AssertionError("the head was not set: " + updated);
    }
    head = hash;
    time = EngineDriver.timeOf(envelope);
  }

  /** Has a payload sealed, as op-bnb does; returns the whole reply. */
  JsonNode seal(String id, long at, String safe, boolean shows) throws Exception {
    // the head is not looked at
    ObjectNode state = EngineDriver.state(EngineDriver.ZERO, safe, EngineDriver.ZERO);
    int version = is("ecotone", at) ? 3 : 2;
    return client.call("engine_opSealPayloadV" + version, id, state, shows);
  }

  /** Goes on from a block that has become the head otherwise. */
  void standsAt(String hash, long at) {
    head = hash;
    time = at;
  }
}
