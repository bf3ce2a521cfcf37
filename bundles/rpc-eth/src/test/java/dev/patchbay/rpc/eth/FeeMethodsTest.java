// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.rpc.eth;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.patchbay.api.chain.BlockRetention;
import dev.patchbay.api.chain.ChainReader;
import dev.patchbay.api.chain.PrunedException;
import dev.patchbay.api.consensus.ConsensusRules;
import dev.patchbay.api.consensus.ProtocolSchedule;
import dev.patchbay.api.rpc.RpcExpensive;
import dev.patchbay.primitives.Address;
import dev.patchbay.primitives.Block;
import dev.patchbay.primitives.BlockHeader;
import dev.patchbay.primitives.ChainConfig;
import dev.patchbay.primitives.Fork;
import dev.patchbay.primitives.Hash;
import dev.patchbay.primitives.Receipt;
import dev.patchbay.primitives.Transaction;
import dev.patchbay.primitives.TransactionType;
import dev.patchbay.primitives.UInt256;
import java.lang.reflect.Proxy;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.function.Function;
import org.junit.jupiter.api.Test;

/**
 * Fees of blocks with deposits, which pay none. The tips after full blocks are those of op-geth's
 * tests of {@code SuggestOptimismPriorityFee}, with a deposit in front.
 */
class FeeMethodsTest {
  private static final long GWEI = 1_000_000_000L;
  private static final long BASE_FEE = 7 * GWEI;
  private static final String MIN_TIP = "0xf4240";

  private final List<Block> blocks = new ArrayList<>();
  private final List<List<Receipt>> receipts = new ArrayList<>();
  private boolean rollup = true;
  private BlockRetention retention = BlockRetention.ALL;
  private final FeeMethods methods =
      new FeeMethods(
          stub(
              ChainReader.class,
              Map.of(
                  "head",
                  args -> blocks.get(blocks.size() - 1),
                  "block",
                  args ->
                      unpruned(args[0] instanceof Hash hash ? block(hash) : block((long) args[0])),
                  "header",
                  args -> block((long) args[0]).header(),
                  "retention",
                  args -> retention,
                  "receipts",
                  args -> receipts.get((int) block((Hash) args[0]).number()),
                  "config",
                  args -> config())),
          stub(
              ProtocolSchedule.class,
              Map.of(
                  "config",
                  args -> config(),
                  "rules",
                  args ->
                      stub(
                          ConsensusRules.class,
                          Map.of(
                              "nextBaseFee",
                              a -> UInt256.of(BASE_FEE),
                              "nextExcessBlobGas",
                              a -> 0L)))),
          () -> UInt256.ONE);

  @SuppressWarnings("unchecked")
  private static <T> T stub(Class<T> type, Map<String, Function<Object[], Object>> methods) {
    return (T)
        Proxy.newProxyInstance(
            FeeMethodsTest.class.getClassLoader(),
            new Class<?>[] {type},
            (self, method, args) -> methods.get(method.getName()).apply(args));
  }

  private ChainConfig config() {
    ChainConfig c = ChainConfig.of(UInt256.ONE, Fork.CANCUN);
    return new ChainConfig(
        c.chainId(),
        c.forkBlocks(),
        c.forkTimes(),
        null,
        c.blobSchedules(),
        null,
        null,
        null,
        null,
        false,
        rollup ? new ChainConfig.Rollup(6, 50, 250, Map.of()) : null);
  }

  private Block unpruned(Block block) {
    if (retention.isPruned(block.number())) {
      throw new PrunedException(block.number(), retention.oldestBlock());
    }
    return block;
  }

  private Block block(long number) {
    return blocks.get((int) number);
  }

  private Block block(Hash hash) {
    return blocks.stream().filter(b -> b.hash().equals(hash)).findFirst().orElse(null);
  }

  private record Paid(Transaction transaction, long gas) {}

  private static Paid deposit(long gas) {
    return new Paid(
        Transaction.builder(TransactionType.DEPOSIT)
            .sender(Address.ZERO)
            .to(Address.ZERO)
            .gasLimit(gas)
            .deposit(new Transaction.Deposit(Hash.ZERO, UInt256.ZERO, false))
            .build(),
        gas);
  }

  private static Paid tip(long tip, long gas) {
    return new Paid(
        Transaction.builder(TransactionType.FEE_MARKET)
            .to(Address.ZERO)
            .gasLimit(gas)
            .maxPriorityFeePerGas(UInt256.of(tip))
            .maxFeePerGas(UInt256.of(200 * GWEI))
            .build(),
        gas);
  }

  private void add(long gasLimit, Paid... paid) {
    long used = 0;
    List<Transaction> transactions = new ArrayList<>();
    List<Receipt> of = new ArrayList<>();
    for (Paid one : paid) {
      used += one.gas;
      transactions.add(one.transaction);
      of.add(Receipt.of(one.transaction.type(), true, used, List.of()));
    }
    BlockHeader header =
        BlockHeader.builder()
            .number(blocks.size())
            .parentHash(blocks.isEmpty() ? Hash.ZERO : blocks.get(blocks.size() - 1).hash())
            .gasLimit(gasLimit)
            .gasUsed(used)
            .timestamp(blocks.size())
            .baseFeePerGas(UInt256.of(BASE_FEE))
            .blobGasUsed(900_000L) // a DA footprint, more than there are blobs of
            .excessBlobGas(0L)
            .build();
    blocks.add(new Block(header, transactions, List.of(), List.of()));
    receipts.add(of);
  }

  private Object call(String method, Object... params) throws Exception {
    Object result = methods.methods().get(method).call(new ArrayList<>(List.of(params)), null);
    return result instanceof RpcExpensive later ? later.call() : result;
  }

  private void assertTip(String tip) throws Exception {
    assertThat(call("eth_maxPriorityFeePerGas")).isEqualTo(tip);
    assertThat(call("eth_gasPrice"))
        .isEqualTo(UInt256.fromHex(tip).add(UInt256.of(BASE_FEE)).toHex());
  }

  @Test
  void depositsAloneAndNoTransactionsSuggestTheMinimum() throws Exception {
    add(1_000_000);
    assertTip(MIN_TIP); // genesis
    add(1_000_000, deposit(40_000));
    assertTip(MIN_TIP);
    add(1_000_000, deposit(600_000), deposit(0)); // full, by its largest
    assertTip(MIN_TIP);
    add(1_000_000);
    assertTip(MIN_TIP);
  }

  @Test
  void tipsRiseAfterAFullBlock() throws Exception {
    add(63_000, deposit(0), tip(GWEI, 21_000));
    assertTip(MIN_TIP);
    add(63_000, deposit(0), tip(GWEI, 21_000), tip(GWEI, 21_000));
    assertTip(MIN_TIP);
    add(63_000, deposit(0), tip(GWEI, 21_000), tip(GWEI, 21_001));
    assertTip(UInt256.of(1_100_000_000L).toHex());
    add(63_000, tip(10 * GWEI, 21_000), tip(GWEI, 21_000), tip(100 * GWEI, 21_000));
    assertTip(UInt256.of(11 * GWEI).toHex());
    add(63_000, tip(10, 21_000), tip(1, 42_000));
    assertTip(MIN_TIP); // the raised median is below it
    add(63_000, tip(0, 21_000), tip(193 * GWEI, 21_000), tip(199 * GWEI, 21_000));
    assertTip(UInt256.of(193 * GWEI * 11 / 10).toHex());
  }

  @Test
  void historyCountsDepositsWithoutReward() throws Exception {
    add(1_000_000);
    add(1_000_000, deposit(40_000));
    add(1_000_000, deposit(40_000), tip(2 * GWEI, 21_000), tip(GWEI, 39_000));
    Map<?, ?> history =
        (Map<?, ?>) call("eth_feeHistory", "0x3", "latest", List.of(0.0, 40.0, 50.0, 99.0));
    String gwei = UInt256.of(GWEI).toHex();
    assertThat(history.get("reward"))
        .isEqualTo(
            List.of(
                List.of("0x0", "0x0", "0x0", "0x0"),
                List.of("0x0", "0x0", "0x0", "0x0"),
                List.of("0x0", "0x0", gwei, UInt256.of(2 * GWEI).toHex())));
    assertThat(history.get("gasUsedRatio")).isEqualTo(List.of(0.0, 0.04, 0.1));
    assertThat(history.get("blobGasUsedRatio")).isEqualTo(List.of(0.0, 0.0, 0.0));
    String fee = UInt256.of(BASE_FEE).toHex();
    assertThat(history.get("baseFeePerGas")).isEqualTo(List.of(fee, fee, fee, fee));
  }

  @Test
  void elsewhereTheTipIsThatOfTheLatestBlocks() throws Exception {
    rollup = false;
    add(1_000_000);
    assertTip(UInt256.of(GWEI).toHex());
    add(1_000_000, tip(3 * GWEI, 21_000), tip(2 * GWEI, 21_000));
    assertTip(UInt256.of(2 * GWEI).toHex());
    Map<?, ?> history = (Map<?, ?>) call("eth_feeHistory", "0x1", "latest", List.of());
    assertThat(history.get("blobGasUsedRatio")).isEqualTo(List.of(900_000.0 / 786_432));
  }

  @Test
  void prunedBlocksGiveNoTips() throws Exception {
    rollup = false;
    for (int i = 0; i < 10; i++) {
      add(1_000_000, tip((i + 1) * GWEI, 21_000));
    }
    assertTip(UInt256.of(6 * GWEI).toHex()); // of blocks 1 to 9: 2 to 10 gwei
    retention = new BlockRetention(9, 1L, 9, 1L);
    assertTip(UInt256.of(10 * GWEI).toHex());
    Map<?, ?> history = (Map<?, ?>) call("eth_feeHistory", "0x5", "0x7", List.of());
    assertThat(history.get("oldestBlock")).isEqualTo("0x3");
    assertThat((List<?>) history.get("gasUsedRatio")).hasSize(5);
    assertThatThrownBy(() -> call("eth_feeHistory", "0x5", "latest", List.of(50.0)))
        .isInstanceOf(PrunedException.class)
        .hasMessageContaining("block 5 has been pruned");
    history = (Map<?, ?>) call("eth_feeHistory", "0x1", "latest", List.of(50.0));
    assertThat((List<?>) history.get("reward")).hasSize(1);
  }
}
