// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.payload;

import static org.assertj.core.api.Assertions.assertThat;

import dev.patchbay.api.chain.ChainReader;
import dev.patchbay.api.consensus.BlockSealer;
import dev.patchbay.api.consensus.ProtocolSchedule;
import dev.patchbay.api.txpool.PoolStatus;
import dev.patchbay.api.txpool.TransactionFilter;
import dev.patchbay.api.txpool.TransactionPool;
import dev.patchbay.primitives.Address;
import dev.patchbay.primitives.Block;
import dev.patchbay.primitives.BlockHeader;
import dev.patchbay.primitives.Bytes;
import dev.patchbay.primitives.ChainConfig;
import dev.patchbay.primitives.Fork;
import dev.patchbay.primitives.Hash;
import dev.patchbay.primitives.Transaction;
import dev.patchbay.primitives.TransactionType;
import dev.patchbay.primitives.UInt256;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** An own block that turns out to be invalid is not built again and again. */
class OwnInvalidBlockTest {
  private static final int COUNT = 20;
  private static final ChainConfig CONFIG = ChainConfig.of(UInt256.ONE, Fork.BERLIN);
  private static final Block PARENT =
      new Block(
          BlockHeader.builder().number(1).timestamp(1).gasLimit(30_000_000).build(),
          List.of(),
          List.of(),
          null);

  private final Map<Hash, Transaction> pooled = new HashMap<>();
  private final Builder builder =
      new Builder(
          Stubs.of(ChainReader.class, Map.of("config", args -> CONFIG)),
          Stubs.of(ProtocolSchedule.class, Map.of("config", args -> CONFIG, "rules", args -> null)),
          Stubs.states(),
          Stubs.executor(tx -> {}),
          Stubs.of(
              TransactionPool.class,
              Map.of(
                  "pending",
                  args -> pending(),
                  "get",
                  args -> pooled.get(args[0]),
                  "remove",
                  args -> pooled.remove(args[0]) != null,
                  "status",
                  args -> new PoolStatus(pooled.size(), 0, 100, 0, 0, 0, 0, UInt256.ONE))),
          30_000_000);

  private Map<Address, List<Transaction>> pending() {
    Map<Address, List<Transaction>> out = new HashMap<>();
    pooled.values().forEach(tx -> out.put(address(tx.nonce()), List.of(tx)));
    return out;
  }

  private static Address address(long number) {
    return Address.fromHex(String.format("0x%040x", number + 1));
  }

  private Transaction transaction(int number) {
    Transaction tx =
        Transaction.builder(TransactionType.LEGACY)
            .nonce(number)
            .gasPrice(UInt256.of(1_000 - number))
            .gasLimit(21_000)
            .sender(address(number))
            .build();
    pooled.put(tx.hash(), tx);
    return tx;
  }

  private Block build() {
    return builder.build(
        PARENT,
        new BlockSealer.Template(2, Address.ZERO, UInt256.ONE, Bytes.EMPTY, 0, Address.ZERO));
  }

  @ParameterizedTest
  @ValueSource(ints = {0, 5, 19})
  void theOffendingTransactionLeavesAndAllOthersAreSealed(int offending) {
    List<Transaction> all = new ArrayList<>();
    for (int i = 0; i < COUNT; i++) {
      all.add(transaction(i));
    }
    Transaction bad = all.get(offending);
    List<Transaction> sealed = new ArrayList<>();
    int blocks = 0;
    while (!pooled.isEmpty()) {
      assertThat(++blocks).as("blocks").isLessThanOrEqualTo(20);
      Block block = build();
      if (block.transactions().contains(bad)) {
        builder.rejected(block, "an invalid state root");
      } else {
        sealed.addAll(block.transactions());
        block.transactions().forEach(tx -> pooled.remove(tx.hash()));
        builder.accepted(block);
      }
    }
    all.remove(bad);
    assertThat(sealed).containsExactlyInAnyOrderElementsOf(all);
  }

  /** A fault of the sealer, or of a system contract, must not empty the pool. */
  @Test
  void noTransactionLeavesForAFaultThatIsNotItsOwn() {
    for (int i = 0; i < COUNT; i++) {
      transaction(i);
    }
    for (int i = 0; i < 50; i++) {
      builder.rejected(build(), "an invalid seal");
    }
    assertThat(pooled).hasSize(COUNT);
  }

  @Test
  void theOnlyTransactionOfThePoolLeavesAtOnce() {
    transaction(0);
    builder.rejected(build(), "an invalid state root");
    assertThat(pooled).isEmpty();
  }

  @Test
  void anEmptyBlockThatIsInvalidChangesNothing() {
    builder.rejected(build(), "an invalid seal");
    transaction(0);
    transaction(1);
    assertThat(build().transactions()).hasSize(2);
  }

  @Test
  void aFilterLeavesATransactionOutOfTheBlockButInThePool() {
    Transaction refused = transaction(0);
    Transaction other = transaction(1);
    TransactionFilter filter =
        new TransactionFilter() {
          @Override
          public @Nullable String refuseInclusion(Transaction transaction, BlockHeader header) {
            return transaction.equals(refused) ? "not yet" : null;
          }
        };
    builder.addFilter(filter);
    assertThat(build().transactions()).containsExactly(other);
    assertThat(pooled).hasSize(2);
    builder.removeFilter(filter);
    assertThat(build().transactions()).containsExactly(refused, other);
  }
}
