// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.itests;

import static dev.patchbay.itests.EngineDriver.hash;
import static dev.patchbay.itests.EngineDriver.status;
import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.patchbay.primitives.Address;
import dev.patchbay.primitives.Bytes;
import dev.patchbay.primitives.Hash;
import dev.patchbay.primitives.Transaction;
import dev.patchbay.primitives.UInt256;
import dev.patchbay.primitives.execution.IntrinsicGas;
import java.math.BigInteger;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A rollup's day, by script: blocks over all its forks, with deposits that work and that fail. */
class OpFlowIT {
  /** Somebody who has nothing but what is minted. */
  private static final String MINTER = "0x00000000000000000000000000000000000abcde";

  private static final UInt256 ETHER = UInt256.of(1_000_000_000_000_000_000L);
  private static final BigInteger MILLION = BigInteger.valueOf(1_000_000);

  @TempDir Path folder;

  /** The block hashes and sequence numbers are those of op-node's tests. */
  @Test
  void sourceHashesAreThoseOfOpNode() {
    Hash l1 = Hash.fromHex("0xc00e5d67c2755389aded7d8b151cbd5bcdf7ed275ad5e028b664880fc7581c77");
    assertThat(OpDriver.attributesSource(l1, 4).toString())
        .isEqualTo("0x0586c503340591999b8b38bc9834bb16aec7d5bc00eb5587ab139c9ddab81977");
    assertThat(OpDriver.upgradeSource("Ecotone: beacon block roots contract deployment").toString())
        .isEqualTo("0x69b763c48478b9dc2f65ada09b3d92133ec592ea715ec65ad6e7f3dc519dc00c");
  }

  @Test
  void blocksGoOverAllForks() throws Exception {
    try (Node builder = new Node(folder.resolve("builder"), "run").quick();
        Node verifier = new Node(folder.resolve("verifier"), "run").quick()) {
      String genesis = OpDriver.genesis(folder).toString();
      builder.start("--genesis", genesis);
      verifier.start("--genesis", genesis, "--debug", "on");
      OpDriver driver = OpDriver.of(builder);
      OpDriver other = OpDriver.of(verifier);
      long log = 0;
      long nonce = 0;
      int blocks = 0;
      long jovian = OpDriver.begin("jovian");
      long last = jovian + 60;
      String sent = "";
      String early = "";
      for (long time = 20; time <= last; time += 20) {
        // the first block of Jovian has deposits alone, what was sent before is in the next
        boolean closed = time == jovian;
        if (time != jovian + 20) {
          sent = builder.send(Accounts.transfer(0, nonce++));
        }
        Transaction[] deposits = {
          OpDriver.deposit(
              log++, MINTER, OpDriver.MESSAGE_PASSER, ETHER, UInt256.ONE, 100_000, "0x"),
          OpDriver.deposit( // more than there is
              log++, MINTER, OpDriver.REVERTER, UInt256.ONE, UInt256.MAX, 50_000, "0x"),
          OpDriver.deposit(
              log++, MINTER, OpDriver.REVERTER, UInt256.ZERO, UInt256.ONE, 60_000, "0x"),
          OpDriver.deposit(
              log++, MINTER, null, UInt256.ZERO, UInt256.ZERO, 80_000, "0x600160005360016000f3"),
          OpDriver.deposit( // less gas than it costs to begin
              log++, MINTER, OpDriver.REVERTER, UInt256.ZERO, UInt256.ZERO, 20_999, "0x"),
        };
        String id = driver.start(driver.attributes(time, false, deposits));
        assertThat(id).startsWith(time < 200 ? "0x01" : time < 300 ? "0x02" : "0x03");
        Thread.sleep(150); // fetching ends the building
        ObjectNode envelope = driver.fetch(id, time);
        JsonNode again = driver.fetch(id, time);
        assertThat(again).isEqualTo(envelope);
        driver.adopt(envelope);
        other.adopt(envelope); // it has not built it
        JsonNode payload = envelope.get("executionPayload");
        assertThat(payload.has("withdrawalsRoot")).isEqualTo(OpDriver.is("isthmus", time));
        assertThat(payload.get("transactions")).as("at " + time).hasSize(closed ? 6 : 7);
        checkDeposits(verifier, driver.head, time, blocks);
        if (closed) {
          assertThat(builder.result("eth_getTransactionReceipt", sent).isNull()).isTrue();
        } else {
          checkFees(verifier, sent, time);
          checkTraces(verifier, driver.head);
        }
        blocks++;
        early = blocks == 3 ? driver.head : early;
      }
      checkSuggestions(verifier);
      checkRewind(other, early, driver.head);
      System.out.printf("rollup: %d blocks over %d forks%n", blocks, 1 + OpDriver.FORKS.size());
      verifier.kill();
      verifier.start();
      assertThat(verifier.result("eth_getBlockByNumber", "latest", false).get("hash").asText())
          .isEqualTo(driver.head);
    }
  }

  /** Deposits have no tip, and no block of them is full. */
  private static void checkSuggestions(Node node) throws Exception {
    JsonNode head = node.result("eth_getBlockByNumber", "latest", false);
    BigInteger tip = BigInteger.valueOf(1_000_000);
    assertThat(number(node.result("eth_maxPriorityFeePerGas"))).isEqualTo(tip);
    assertThat(number(node.result("eth_gasPrice")))
        .isEqualTo(number(node.result("eth_baseFee")).add(tip));
    JsonNode history = node.result("eth_feeHistory", "0x28", "latest", List.of(0, 50, 100));
    assertThat(history.get("reward")).hasSize(40);
    for (JsonNode row : history.get("reward")) {
      assertThat(number(row.get(0))).isZero();
      assertThat(number(row.get(2))).isBetween(BigInteger.ZERO, number(head.get("baseFeePerGas")));
    }
    history.get("blobGasUsedRatio").forEach(ratio -> assertThat(ratio.asDouble()).isZero());
    // the base fee of the second block moves as the head says
    Map<String, Object> simulated =
        Map.of("blockStateCalls", List.of(Map.of(), Map.of()), "validation", true);
    JsonNode simulation = node.result("eth_simulateV1", simulated, "latest");
    assertThat(simulation).hasSize(2);
    assertThat(number(simulation.get(1).get("baseFeePerGas")))
        .isEqualTo(BigInteger.valueOf(1_000_000_000));
  }

  /** The head goes back by more blocks than on Ethereum, and to where it was. */
  private static void checkRewind(OpDriver driver, String early, String head) throws Exception {
    for (String to : List.of(early, head)) {
      assertThat(status(driver.update(to, null))).isEqualTo("VALID");
      assertThat(driver.client.result("eth_getBlockByNumber", "latest", false).get("hash").asText())
          .isEqualTo(to);
    }
  }

  private static void checkDeposits(Node node, String block, long time, int before)
      throws Exception {
    JsonNode receipts = node.result("eth_getBlockReceipts", block);
    JsonNode transactions = node.result("eth_getBlockByHash", block, true).get("transactions");
    boolean regolith = OpDriver.is("regolith", time);
    boolean canyon = OpDriver.is("canyon", time);
    String[] succeeded = {"0x1", "0x1", "0x0", "0x0", "0x1", "0x0"};
    long nonce = 5L * before;
    for (int i = 0; i < succeeded.length; i++) {
      JsonNode receipt = receipts.get(i);
      String what = "deposit " + i + " at " + time + ": " + receipt;
      assertThat(receipt.get("status").asText()).as(what).isEqualTo(succeeded[i]);
      assertThat(receipt.get("type").asText()).isEqualTo("0x7e");
      long at = i == 0 ? before : nonce + i - 1;
      String shown = "0x" + Long.toHexString(at);
      assertThat(receipt.path("depositNonce").asText()).as(what).isEqualTo(regolith ? shown : "");
      assertThat(receipt.path("depositReceiptVersion").asText()).isEqualTo(canyon ? "0x1" : "");
      JsonNode transaction = transactions.get(i);
      assertThat(transaction.get("nonce").asText()).isEqualTo(regolith ? shown : "0x0");
      assertThat(transaction.get("gasPrice").asText()).isEqualTo("0x0");
      assertThat(transaction.get("sourceHash").asText()).hasSize(66);
      assertThat(transaction.has("yParity")).isFalse();
      assertThat(receipt.has("l1Fee")).isFalse();
    }
    long[] limits = {150_000_000, 100_000, 50_000, 60_000, 80_000, 20_999};
    for (int i = 1; i < limits.length; i++) {
      boolean unexecuted = i == 2 || i == 5;
      long used = Long.decode(receipts.get(i).get("gasUsed").asText());
      if (unexecuted || !regolith) {
        assertThat(used).as("deposit " + i + " at " + time).isEqualTo(limits[i]);
      } else {
        assertThat(used).isBetween(21_000L, limits[i] - 1);
      }
    }
    assertThat(receipts.get(0).get("gasUsed").asText().equals("0x0")).isEqualTo(!regolith);
    assertThat(receipts.get(4).get("contractAddress").asText())
        .isEqualTo(
            Address.ofCreation(Address.fromHex(MINTER), regolith ? nonce + 3 : 0).toString());
    // minted, even by the one that failed, less what the first and no other could send
    BigInteger minted = ETHER.toBigInteger().multiply(BigInteger.valueOf(before + 1L));
    assertThat(wei(node, MINTER)).isEqualTo(minted);
  }

  private static void checkTraces(Node node, String block) throws Exception {
    JsonNode traces = node.result("debug_traceBlockByHash", block, Map.of("tracer", "callTracer"));
    assertThat(traces).hasSize(7);
    String[] errors = {
      "",
      "",
      "failed deposit: insufficient funds for transfer",
      "execution reverted",
      "",
      "failed deposit: intrinsic gas too low",
      ""
    };
    for (int i = 0; i < errors.length; i++) {
      assertThat(traces.get(i).at("/result/error").asText())
          .as("" + traces.get(i))
          .startsWith(errors[i]);
      assertThat(traces.get(i).at("/result/error").isMissingNode()).isEqualTo(errors[i].isEmpty());
    }
  }

  private static BigInteger wei(Node node, String account) throws Exception {
    return number(node.result("eth_getBalance", account, "latest"));
  }

  private static BigInteger number(JsonNode quantity) {
    return UInt256.fromHex(quantity.asText()).toBigInteger();
  }

  /** Computes what the transaction of the pool has paid, and asks who has got it. */
  private static void checkFees(Node node, String sent, long time) throws Exception {
    JsonNode receipt = node.result("eth_getTransactionReceipt", sent);
    JsonNode block = node.result("eth_getBlockByHash", receipt.get("blockHash").asText(), false);
    BigInteger gas = number(receipt.get("gasUsed"));
    BigInteger baseFee = number(block.get("baseFeePerGas"));
    BigInteger price = number(receipt.get("effectiveGasPrice"));
    BigInteger l1Fee = l1Fee(raw(node, sent), time);
    assertThat(number(receipt.get("l1Fee"))).as("at " + time).isEqualTo(l1Fee);
    BigInteger operator = operatorFee(gas, time);
    String before = "0x" + Long.toHexString(Long.decode(block.get("number").asText()) - 1);
    Map<String, BigInteger> gets =
        Map.of(
            OpDriver.L1_FEE_VAULT,
            l1Fee,
            OpDriver.OPERATOR_VAULT,
            operator,
            OpDriver.BASE_FEE_VAULT,
            baseFee.multiply(gas),
            OpDriver.SEQUENCER_VAULT,
            price.subtract(baseFee).multiply(gas));
    BigInteger paid = BigInteger.ZERO;
    for (Map.Entry<String, BigInteger> entry : gets.entrySet()) {
      BigInteger had = number(node.result("eth_getBalance", entry.getKey(), before));
      assertThat(wei(node, entry.getKey()).subtract(had))
          .as(entry.getKey() + " at " + time)
          .isEqualTo(entry.getValue());
      paid = paid.add(entry.getValue());
    }
    JsonNode transaction = node.result("eth_getTransactionByHash", sent);
    BigInteger had = number(node.result("eth_getBalance", Accounts.FIRST, before));
    assertThat(had.subtract(wei(node, Accounts.FIRST)))
        .as("at " + time)
        .isEqualTo(paid.add(number(transaction.get("value"))));
    if (known("jovian", time)) {
      assertThat(number(block.get("blobGasUsed"))).isEqualTo(100 * OpDriver.DA_SCALAR);
    }
  }

  private static byte[] raw(Node node, String hash) throws Exception {
    return Bytes.fromHex(node.result("eth_getRawTransactionByHash", hash).asText()).toArray();
  }

  /** Returns whether L1's attributes are those of a fork: not yet in its first block. */
  private static boolean known(String fork, long time) {
    return time > OpDriver.begin(fork);
  }

  private static BigInteger l1Fee(byte[] raw, long time) {
    long calldata = 0;
    for (byte b : raw) {
      calldata += b == 0 ? 4 : 16;
    }
    BigInteger base = BigInteger.valueOf(OpDriver.BASE_FEE);
    if (!known("ecotone", time)) {
      long gas = calldata + (OpDriver.is("regolith", time) ? 0 : 16 * 68) + OpDriver.OVERHEAD;
      return BigInteger.valueOf(gas)
          .multiply(base)
          .multiply(BigInteger.valueOf(OpDriver.SCALAR))
          .divide(MILLION);
    }
    BigInteger weighted =
        BigInteger.valueOf(16 * OpDriver.BASE_FEE_SCALAR)
            .multiply(base)
            .add(
                BigInteger.valueOf(OpDriver.BLOB_BASE_FEE_SCALAR)
                    .multiply(BigInteger.valueOf(OpDriver.BLOB_BASE_FEE)));
    return OpDriver.is("fjord", time)
        ? BigInteger.valueOf(100).multiply(weighted).divide(MILLION) // as small as they count
        : BigInteger.valueOf(calldata)
            .multiply(weighted)
            .divide(MILLION.multiply(BigInteger.valueOf(16)));
  }

  private static BigInteger operatorFee(BigInteger gas, long time) {
    if (!known("isthmus", time)) {
      return BigInteger.ZERO;
    }
    BigInteger scaled = gas.multiply(BigInteger.valueOf(OpDriver.OPERATOR_SCALAR));
    return (OpDriver.is("jovian", time)
            ? scaled.multiply(BigInteger.valueOf(100))
            : scaled.divide(MILLION))
        .add(BigInteger.valueOf(OpDriver.OPERATOR_CONSTANT));
  }

  @Test
  void attributesAndPayloadsThatAreNotThoseOfTheForkAreRefused() throws Exception {
    try (Node node = new Node(folder.resolve("refuses"), "run").quick()) {
      node.start("--storage", "memory", "--genesis", OpDriver.genesis(folder).toString());
      OpDriver driver = OpDriver.of(node);
      long jovian = OpDriver.begin("jovian") + 20;
      ObjectNode good = driver.attributes(jovian, true);
      List<ObjectNode> wrong = new ArrayList<>();
      for (String field : List.of("gasLimit", "eip1559Params", "minBaseFee")) {
        ObjectNode missing = good.deepCopy();
        missing.remove(field);
        wrong.add(missing);
      }
      wrong.add(good.deepCopy().put("eip1559Params", "0x0000000000000006"));
      wrong.add(good.deepCopy().put("eip1559Params", "0x00"));
      wrong.add(driver.attributes(OpDriver.begin("fjord"), true).put("minBaseFee", "0x0"));
      wrong.add( // there the attributes of L1 do not say yet what it takes of the blob gas
          driver.attributes(OpDriver.begin("jovian"), true, Accounts.transfer(0, 0)));
      wrong.add(good.deepCopy().put("noTxPool", "yes"));
      ObjectNode undecodable = good.deepCopy();
      undecodable.putArray("transactions").add("0x7e00");
      wrong.add(undecodable);
      ObjectNode unfit = good.deepCopy(); // a nonce that is far away
      unfit.withArray("transactions").add(Accounts.raw(Accounts.transfer(0, 99)));
      wrong.add(unfit);
      ObjectNode system = good.deepCopy();
      Transaction attributes =
          Transaction.decode(Bytes.fromHex(good.get("transactions").get(0).asText()).toArray());
      assertThat(attributes.deposit().isSystemTransaction()).isFalse();
      system
          .putArray("transactions")
          .add(
              Accounts.raw(
                  Transaction.builder(attributes.type())
                      .sender(attributes.sender())
                      .to(attributes.to())
                      .gasLimit(1_000_000)
                      .deposit(new Transaction.Deposit(Hash.ZERO, UInt256.ZERO, true))
                      .build()));
      wrong.add(system);
      for (ObjectNode attempt : wrong) {
        JsonNode reply = driver.update(driver.head, attempt);
        assertThat(reply.at("/error/code").asInt()).as(attempt + ": " + reply).isEqualTo(-38003);
      }
      String id = driver.start(good);
      ObjectNode envelope = driver.fetch(id, jovian);
      ObjectNode rootless = envelope.deepCopy();
      ((ObjectNode) rootless.get("executionPayload")).remove("withdrawalsRoot");
      assertThat(driver.insert(rootless).at("/error/code").asInt()).isEqualTo(-32602);
      ObjectNode foreign = envelope.deepCopy();
      ((ObjectNode) foreign.get("executionPayload")).put("withdrawalsRoot", "0x" + "ab".repeat(32));
      assertThat(status(driver.insert(foreign))).isEqualTo("INVALID");
      driver.adopt(envelope);
      JsonNode refused =
          node.call(
              "eth_sendRawTransaction",
              Accounts.raw(
                  OpDriver.deposit(9, MINTER, MINTER, UInt256.ZERO, UInt256.ZERO, 21_000, "0x")));
      assertThat(refused.at("/error/message").asText()).contains("type not supported");
      assertThat(hash(envelope)).isEqualTo(driver.head);
    }
  }

  /** Whoever can pay gas and value and not the fee of L1 gets no place in the pool. */
  @Test
  void thePoolAsksForTheL1Fee() throws Exception {
    try (Node node = new Node(folder.resolve("pool"), "run").quick()) {
      node.start("--storage", "memory", "--genesis", OpDriver.genesis(folder).toString());
      OpDriver driver = OpDriver.of(node);
      Transaction transfer = Accounts.transfer(Accounts.POOR, 2); // a deposit counts for the nonce
      UInt256 cost = UInt256.of(IntrinsicGas.maximumCost(transfer));
      String poor = String.valueOf(transfer.sender());
      long time = OpDriver.begin("fjord") + 20;
      driver.adopt(
          driver.fetch(
              driver.start(
                  driver.attributes(
                      time,
                      true,
                      OpDriver.deposit(1, poor, MINTER, cost, UInt256.ZERO, 21_000, "0x"))),
              time));
      JsonNode refused =
          node.call("eth_sendRawTransaction", Accounts.raw(Accounts.transfer(Accounts.POOR, 1)));
      assertThat(refused.at("/error/message").asText()).contains("insufficient funds");
      UInt256 fee = UInt256.of(l1Fee(transfer.encode(), OpDriver.begin("granite")));
      driver.adopt(
          driver.fetch(
              driver.start(
                  driver.attributes(
                      time + 2,
                      true,
                      OpDriver.deposit(2, poor, MINTER, fee, UInt256.ZERO, 21_000, "0x"))),
              time + 2));
      assertThat(node.send(transfer)).hasSize(66);
      String id = driver.start(driver.attributes(time + 4, false));
      Thread.sleep(150); // fetching ends the building
      ObjectNode envelope = driver.fetch(id, time + 4);
      assertThat(envelope.at("/executionPayload/transactions")).hasSize(2);
      driver.adopt(envelope);
    }
  }
}
