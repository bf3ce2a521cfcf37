// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.itests;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.patchbay.primitives.Address;
import dev.patchbay.primitives.BlockHeader;
import dev.patchbay.primitives.Bloom;
import dev.patchbay.primitives.Bytes;
import dev.patchbay.primitives.Hash;
import dev.patchbay.primitives.Transaction;
import dev.patchbay.primitives.UInt256;
import dev.patchbay.primitives.Withdrawal;
import dev.patchbay.primitives.execution.Requests;
import dev.patchbay.trie.Roots;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Consumer;

/** A consensus client by script: it has blocks built, hands them over and sets the head. */
final class EngineDriver {
  /** When the forks of {@link #genesis} begin; before them is Paris. */
  static final long SHANGHAI = 100;

  static final long CANCUN = 200;
  static final long PRAGUE = 300;
  static final long OSAKA = 400;
  static final long AMSTERDAM = 1_000_000;

  static final String ZERO = Hash.ZERO.toString();

  private static final ObjectMapper JSON = new ObjectMapper();
  private static final int[] UPDATED = {1, 2, 3, 3, 3, 4};
  private static final int[] GET = {1, 2, 3, 4, 5, 6};
  private static final int[] NEW = {1, 2, 3, 4, 4, 5};

  final EngineClient client;

  /** Hash and timestamp of the head. */
  String head;

  long time;
  String safe = ZERO;
  String finalized = ZERO;

  EngineDriver(EngineClient client, String head, long time) {
    this.client = client;
    this.head = head;
    this.time = time;
  }

  /** Goes on where a node stands. */
  static EngineDriver of(Node node) throws Exception {
    JsonNode head = node.result("eth_getBlockByNumber", "latest", false);
    return new EngineDriver(
        EngineClient.of(node),
        head.get("hash").asText(),
        Long.decode(head.get("timestamp").asText()));
  }

  /** Writes the genesis of the development chain, with the forks after the merge one by one. */
  static Path genesis(Path folder) throws Exception {
    ObjectNode genesis =
        (ObjectNode)
            JSON.readTree(
                Files.readString(Node.ROOT.resolve("karaf-assembly/src/main/dev/genesis.json")));
    ObjectNode config = (ObjectNode) genesis.get("config");
    config.remove("clique");
    config.put("terminalTotalDifficulty", 0);
    config.put("mergeNetsplitBlock", 0);
    config.put("shanghaiTime", SHANGHAI).put("cancunTime", CANCUN);
    config.put("pragueTime", PRAGUE).put("osakaTime", OSAKA);
    config.put("amsterdamTime", AMSTERDAM);
    genesis.put("difficulty", "0x0").put("extraData", "0x");
    return Files.writeString(folder.resolve("genesis-engine.json"), genesis.toString());
  }

  /** Writes the genesis of the development chain at Shanghai: a consensus client up to Capella. */
  static Path shanghaiGenesis(Path folder) throws Exception {
    ObjectNode genesis = (ObjectNode) JSON.readTree(Files.readString(genesis(folder)));
    ObjectNode config = (ObjectNode) genesis.get("config");
    config.put("shanghaiTime", 0);
    config.remove(
        List.of("cancunTime", "pragueTime", "osakaTime", "amsterdamTime", "blobSchedule"));
    return Files.writeString(folder.resolve("genesis-shanghai.json"), genesis.toString());
  }

  private static int fork(long time) {
    List<Long> forks = List.of(SHANGHAI, CANCUN, PRAGUE, OSAKA, AMSTERDAM);
    return (int) forks.stream().filter(from -> time >= from).count();
  }

  /** The beacon root that blocks of a time are built with. */
  static String beaconRoot(long time) {
    return String.format("0x%064x", time);
  }

  static String hash(JsonNode envelope) {
    return envelope.at("/executionPayload/blockHash").asText();
  }

  static long timeOf(JsonNode envelope) {
    return Long.decode(envelope.at("/executionPayload/timestamp").asText());
  }

  /** Returns attributes of the version that a time asks for. */
  static ObjectNode attributes(long time) {
    ObjectNode out = JSON.createObjectNode();
    out.put("timestamp", "0x" + Long.toHexString(time));
    out.put("prevRandao", String.format("0x%064x", time + 1));
    out.put("suggestedFeeRecipient", "0x00000000000000000000000000000000000000fe");
    if (time >= SHANGHAI) {
      out.putArray("withdrawals")
          .addObject()
          .put("index", "0x" + Long.toHexString(time))
          .put("validatorIndex", "0x7")
          .put("address", "0x00000000000000000000000000000000000000ee")
          .put("amount", "0x1");
    }
    if (time >= CANCUN) {
      out.put("parentBeaconBlockRoot", beaconRoot(time));
    }
    if (time >= AMSTERDAM) {
      out.put("slotNumber", "0x" + Long.toHexString(time / 12));
      out.put("targetGasLimit", "0x3938700");
    }
    return out;
  }

  /** Sends a fork choice of the version that a time asks for; returns the whole reply. */
  JsonNode update(long time, String to, String safe, String finalized, ObjectNode attributes)
      throws Exception {
    ObjectNode state = state(to, safe, finalized);
    return client.call("engine_forkchoiceUpdatedV" + UPDATED[fork(time)], state, attributes);
  }

  /** Returns a {@code ForkchoiceState}. */
  static ObjectNode state(String head, String safe, String finalized) {
    return JSON.createObjectNode()
        .put("headBlockHash", head)
        .put("safeBlockHash", safe)
        .put("finalizedBlockHash", finalized);
  }

  /** Starts a payload on the head; returns its id. */
  String start(ObjectNode attributes) throws Exception {
    long at = Long.decode(attributes.get("timestamp").asText());
    JsonNode reply = update(at, head, safe, finalized, attributes);
    if (!reply.at("/result/payloadId").isTextual()) {
      throw new AssertionError("no payload was started: " + reply);
    }
    return reply.at("/result/payloadId").asText();
  }

  /** Fetches a payload, in the shape of the later versions. */
  ObjectNode fetch(String id, long time) throws Exception {
    JsonNode reply = client.result("engine_getPayloadV" + GET[fork(time)], id);
    if (reply.has("executionPayload")) {
      return (ObjectNode) reply;
    }
    return JSON.createObjectNode().set("executionPayload", reply);
  }

  /** Has a block built on the head, 12 seconds after it, and fetches it at once. */
  ObjectNode build() throws Exception {
    return build(time + 12);
  }

  ObjectNode build(long at) throws Exception {
    return fetch(start(attributes(at)), at);
  }

  /** Hands a payload over; returns the whole reply. */
  JsonNode insert(JsonNode envelope) throws Exception {
    return client.call(method(envelope), params(envelope));
  }

  static String method(JsonNode envelope) {
    return "engine_newPayloadV" + NEW[fork(timeOf(envelope))];
  }

  /** Returns the parameters that a payload is handed over with. */
  static Object[] params(JsonNode envelope) {
    JsonNode payload = envelope.get("executionPayload");
    int version = NEW[fork(timeOf(envelope))];
    List<Object> out = new ArrayList<>();
    out.add(payload);
    if (version >= 3) {
      ArrayNode hashes = JSON.createArrayNode();
      for (Transaction transaction : transactions(payload)) {
        transaction.blobVersionedHashes().forEach(hash -> hashes.add(hash.toString()));
      }
      out.add(hashes);
      out.add(beaconRoot(timeOf(envelope)));
    }
    if (version >= 4) {
      out.add(envelope.get("executionRequests"));
    }
    return out.toArray();
  }

  static String status(JsonNode reply) {
    return reply.at("/result/status").asText(reply.at("/result/payloadStatus/status").asText());
  }

  /** Hands a payload over and makes it the head. */
  void adopt(JsonNode envelope) throws Exception {
    JsonNode inserted = insert(envelope);
    if (!status(inserted).equals("VALID")) {
      throw new AssertionError("the payload is not valid: " + inserted);
    }
    setHead(hash(envelope), timeOf(envelope));
  }

  /** Moves the head to a block. */
  void setHead(String to, long at) throws Exception {
    JsonNode updated = update(at, to, safe, finalized, null);
    if (!status(updated).equals("VALID")) {
      throw new AssertionError("the head was not set: " + updated);
    }
    head = to;
    time = at;
  }

  /** Builds a block and makes it the head. */
  ObjectNode grow() throws Exception {
    ObjectNode envelope = build();
    adopt(envelope);
    return envelope;
  }

  private static List<Transaction> transactions(JsonNode payload) {
    List<Transaction> out = new ArrayList<>();
    payload
        .path("transactions")
        .forEach(raw -> out.add(Transaction.decode(Bytes.fromHex(raw.asText()).toArray())));
    return out;
  }

  /** Returns another payload, with the hash that it has then. */
  static ObjectNode altered(JsonNode envelope, Consumer<ObjectNode> change) {
    ObjectNode out = envelope.deepCopy();
    ObjectNode p = (ObjectNode) out.get("executionPayload");
    change.accept(p);
    p.put("blockHash", header(out).computeHash().toString());
    return out;
  }

  private static BlockHeader header(JsonNode envelope) {
    JsonNode p = envelope.get("executionPayload");
    long time = timeOf(envelope);
    List<Withdrawal> withdrawals = new ArrayList<>();
    for (JsonNode w : p.path("withdrawals")) {
      withdrawals.add(
          new Withdrawal(
              number(w, "index"),
              number(w, "validatorIndex"),
              Address.fromHex(w.get("address").asText()),
              number(w, "amount")));
    }
    List<byte[]> requests = new ArrayList<>();
    envelope
        .path("executionRequests")
        .forEach(request -> requests.add(Bytes.fromHex(request.asText()).toArray()));
    return BlockHeader.builder()
        .parentHash(hashOf(p, "parentHash"))
        .coinbase(Address.fromHex(p.get("feeRecipient").asText()))
        .stateRoot(hashOf(p, "stateRoot"))
        .transactionsRoot(Roots.ofTransactions(transactions(p)))
        .receiptsRoot(hashOf(p, "receiptsRoot"))
        .logsBloom(Bloom.wrap(Bytes.fromHex(p.get("logsBloom").asText()).toArray()))
        .number(number(p, "blockNumber"))
        .gasLimit(number(p, "gasLimit"))
        .gasUsed(number(p, "gasUsed"))
        .timestamp(time)
        .extraData(Bytes.fromHex(p.get("extraData").asText()))
        .mixHash(hashOf(p, "prevRandao"))
        .baseFeePerGas(UInt256.fromHex(p.get("baseFeePerGas").asText()))
        .withdrawalsRoot(time < SHANGHAI ? null : Roots.ofWithdrawals(withdrawals))
        .blobGasUsed(time < CANCUN ? null : (Long) number(p, "blobGasUsed"))
        .excessBlobGas(time < CANCUN ? null : (Long) number(p, "excessBlobGas"))
        .parentBeaconBlockRoot(time < CANCUN ? null : Hash.fromHex(beaconRoot(time)))
        .requestsHash(time < PRAGUE ? null : Requests.hash(requests))
        .blockAccessListHash(
            time < AMSTERDAM ? null : Bytes.fromHex(p.get("blockAccessList").asText()).keccak())
        .slotNumber(time < AMSTERDAM ? null : (Long) number(p, "slotNumber"))
        .build();
  }

  private static long number(JsonNode object, String field) {
    return Long.decode(object.get(field).asText());
  }

  private static Hash hashOf(JsonNode object, String field) {
    return Hash.fromHex(object.get(field).asText());
  }
}
