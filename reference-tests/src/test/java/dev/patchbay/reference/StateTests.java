// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.reference;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import dev.patchbay.evm.CodeCache;
import dev.patchbay.evm.EvmState;
import dev.patchbay.evm.TransactionProcessor;
import dev.patchbay.evm.TransactionProcessor.Loop;
import dev.patchbay.primitives.AccessListEntry;
import dev.patchbay.primitives.Address;
import dev.patchbay.primitives.Authorization;
import dev.patchbay.primitives.BlobSchedule;
import dev.patchbay.primitives.Bytes;
import dev.patchbay.primitives.Fork;
import dev.patchbay.primitives.Hash;
import dev.patchbay.primitives.Log;
import dev.patchbay.primitives.Transaction;
import dev.patchbay.primitives.TransactionType;
import dev.patchbay.primitives.UInt256;
import dev.patchbay.primitives.execution.BlockContext;
import dev.patchbay.primitives.execution.ExecutionResult;
import dev.patchbay.primitives.execution.FeeMarket;
import dev.patchbay.primitives.execution.InvalidTransactionException;
import dev.patchbay.primitives.execution.TransactionRules;
import dev.patchbay.primitives.rlp.RlpWriter;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ArrayBlockingQueue;
import java.util.concurrent.Future;
import java.util.concurrent.ThreadPoolExecutor;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;

/** The state tests of ethereum/tests: one transaction each, judged by state root and logs. */
class StateTests {
  /**
   * Seven cases ask for 2^32 rounds of BLAKE2b, which take minutes whatever loop calls it: they run
   * in one loop only.
   */
  private static final long LONG_CASE_NANOS = 20_000_000_000L;

  private static final Hash EMPTY_LOGS = logsHash(List.of());

  @Test
  void ethereumTests() throws Exception {
    runPack("ethereum-tests-state");
  }

  @Test
  void legacyTests() throws Exception {
    runPack("legacy-state");
  }

  @Test
  void executionSpecTests() throws Exception {
    runPack("eest-state");
  }

  /** Runs the files of a pack on all processors; few of them are read ahead. */
  private static void runPack(String pack) throws Exception {
    Tally tally = new Tally(pack);
    int[] count = {0};
    String only = System.getProperty("reference.only", "");
    int threads = Runtime.getRuntime().availableProcessors();
    ThreadPoolExecutor workers =
        new ThreadPoolExecutor(
            threads,
            threads,
            0,
            TimeUnit.SECONDS,
            new ArrayBlockingQueue<>(threads),
            new ThreadPoolExecutor.CallerRunsPolicy());
    List<Future<?>> files = new ArrayList<>();
    try {
      Vectors.forEach(
          pack,
          name -> (count[0]++ % Vectors.sample()) == 0 && name.contains(only),
          (name, content) -> files.add(workers.submit(() -> runFile(name, content, tally))));
      for (Future<?> file : files) {
        file.get();
      }
    } finally {
      workers.shutdownNow();
    }
    tally.close();
  }

  private static void runFile(String name, JsonNode content, Tally tally) {
    content
        .fields()
        .forEachRemaining(
            test -> {
              if (test.getValue().has("post")) {
                runTest(name, test.getValue(), tally);
              }
            });
  }

  private static void runTest(String name, JsonNode test, Tally tally) {
    int known = 0;
    CodeCache codes = new CodeCache(16 << 20);
    for (Fork fork : Fork.values()) {
      known += test.path("post").has(fork.title()) ? 1 : 0;
      int i = 0;
      for (JsonNode post : test.path("post").path(fork.title())) {
        JsonNode at = post.get("indexes");
        String id =
            name
                + " "
                + fork.title()
                + " d"
                + at.get("data")
                + " g"
                + at.get("gas")
                + " v"
                + at.get("value")
                + " #"
                + i++;
        tally.run(
            id,
            () -> {
              long start = System.nanoTime();
              runCase(test, post, fork, Loop.REGISTERS, codes);
              if (System.nanoTime() - start < LONG_CASE_NANOS) {
                runCase(test, post, fork, Loop.PER_OPCODE, codes);
                runCase(test, post, fork, Loop.BYTECODE, codes);
              }
            });
      }
    }
    assertThat(known).as("forks that " + name + " is for").isEqualTo(test.path("post").size());
  }

  private static void runCase(JsonNode test, JsonNode post, Fork fork, Loop loop, CodeCache codes)
      throws Exception {
    TestState world = TestState.of(test.get("pre"));
    EvmState state = new EvmState(world, codes);
    BlockContext block =
        block(test.get("env"), fork, blobs(fork, test.at("/config/blobSchedule/" + fork.title())));
    List<Log> logs = new ArrayList<>();
    InvalidTransactionException refused = null;
    try {
      Transaction tx =
          post.has("txbytes")
              ? Transaction.decode(Bytes.fromHex(post.get("txbytes").asText()).toArray())
              : transaction(test.get("transaction"), post.get("indexes"));
      ExecutionResult result =
          new TransactionProcessor(state, block, loop)
              .process(tx, block.gasLimit(), TransactionProcessor.Mode.CONSENSUS, null);
      logs.addAll(result.logs());
    } catch (InvalidTransactionException invalid) {
      refused = invalid;
    } catch (IllegalArgumentException malformed) {
      refused =
          new InvalidTransactionException(
              InvalidTransactionException.Reason.SIGNATURE, malformed.getMessage());
    }
    if (refused != null) { // the suites pay the miner of a block without transactions
      state.credit(block.coinbase(), UInt256.ZERO, fork);
      state.endTransaction(fork);
    }
    assertThat(refused != null).as("refused: " + refused).isEqualTo(post.has("expectException"));
    world.apply(state.changes());
    assertThat(world.root()).as("state root").isEqualTo(Hash.fromHex(post.get("hash").asText()));
    Hash expectedLogs = Hash.fromHex(post.get("logs").asText());
    assertThat(logs.isEmpty() ? EMPTY_LOGS : logsHash(logs)).as("logs").isEqualTo(expectedLogs);
  }

  private static Hash logsHash(List<Log> logs) {
    return Hash.keccak(new RlpWriter().list(w -> logs.forEach(log -> log.write(w))).toArray());
  }

  private static BlobSchedule blobs(Fork fork, JsonNode given) {
    return given.isMissingNode()
        ? fork.includes(Fork.PRAGUE) ? BlobSchedule.PRAGUE : BlobSchedule.CANCUN
        : new BlobSchedule(
            (int) number(given, "target").longValue(),
            (int) number(given, "max").longValue(),
            number(given, "baseFeeUpdateFraction").longValue());
  }

  private static BlockContext block(JsonNode env, Fork fork, BlobSchedule blobs) {
    UInt256 blobFee =
        fork.includes(Fork.CANCUN)
            ? FeeMarket.blobBaseFee(number(env, "currentExcessBlobGas").longValue(), blobs)
            : UInt256.ZERO;
    return new BlockContext(
        fork,
        UInt256.ONE,
        Address.fromHex(env.get("currentCoinbase").asText()),
        number(env, "currentNumber").longValue(),
        number(env, "currentTimestamp").longValue(),
        number(env, "currentGasLimit").longValue(),
        number(env, "currentDifficulty"),
        number(env, "currentRandom").toHash(),
        fork.includes(Fork.LONDON) ? number(env, "currentBaseFee") : null,
        blobFee,
        0,
        blobs.max(),
        n -> Hash.keccak(Long.toString(n).getBytes(java.nio.charset.StandardCharsets.US_ASCII)),
        TransactionRules.ETHEREUM);
  }

  private static UInt256 number(JsonNode node, String field) {
    return node.has(field) ? TestState.number(node.get(field).asText()) : UInt256.ZERO;
  }

  private static Transaction transaction(JsonNode tx, JsonNode at) {
    int d = at.get("data").asInt();
    TransactionType type = TransactionType.LEGACY;
    if (tx.has("authorizationList")) {
      type = TransactionType.SET_CODE;
    } else if (tx.has("blobVersionedHashes")) {
      type = TransactionType.BLOB;
    } else if (tx.has("maxFeePerGas")) {
      type = TransactionType.FEE_MARKET;
    } else if (tx.has("accessLists")) {
      type = TransactionType.ACCESS_LIST;
    }
    String to = tx.path("to").asText("");
    Transaction.Builder b =
        Transaction.builder(type)
            .nonce(number(tx, "nonce").longValue())
            .gasLimit(
                TestState.number(tx.get("gasLimit").get(at.get("gas").asInt()).asText())
                    .longValue())
            .to(to.isEmpty() ? null : Address.fromHex(to))
            .value(TestState.number(tx.get("value").get(at.get("value").asInt()).asText()))
            .data(Bytes.fromHex(tx.get("data").get(d).asText()))
            .maxFeePerBlobGas(number(tx, "maxFeePerBlobGas"));
    if (type != TransactionType.LEGACY) {
      b.chainId(UInt256.ONE);
    }
    if (tx.has("maxFeePerGas")) {
      b.maxFeePerGas(number(tx, "maxFeePerGas"))
          .maxPriorityFeePerGas(number(tx, "maxPriorityFeePerGas"));
    } else {
      b.gasPrice(number(tx, "gasPrice"));
    }
    JsonNode lists = tx.path("accessLists");
    if (lists.isArray() && lists.size() > d && !lists.get(d).isNull()) {
      List<AccessListEntry> entries = new ArrayList<>();
      for (JsonNode entry : lists.get(d)) {
        List<Hash> keys = new ArrayList<>();
        entry.get("storageKeys").forEach(key -> keys.add(TestState.number(key.asText()).toHash()));
        entries.add(new AccessListEntry(Address.fromHex(entry.get("address").asText()), keys));
      }
      b.accessList(entries);
    }
    List<Hash> hashes = new ArrayList<>();
    tx.path("blobVersionedHashes").forEach(hash -> hashes.add(Hash.fromHex(hash.asText())));
    List<Authorization> authorizations = new ArrayList<>();
    for (JsonNode a : tx.path("authorizationList")) {
      authorizations.add(
          new Authorization(
              number(a, "chainId"),
              Address.fromHex(a.get("address").asText()),
              number(a, "nonce").longValue(),
              number(a, "yParity").isZero()
                  ? 0
                  : number(a, "yParity").fitsLong() ? (int) number(a, "yParity").longValue() : 2,
              number(a, "r"),
              number(a, "s")));
    }
    b.blobVersionedHashes(hashes).authorizations(authorizations);
    return b.sign(Bytes.fromHex(tx.get("secretKey").asText()).toArray());
  }
}
