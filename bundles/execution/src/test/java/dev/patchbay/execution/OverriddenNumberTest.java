// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.execution;

import static org.assertj.core.api.Assertions.assertThat;

import dev.patchbay.api.chain.HeaderReader;
import dev.patchbay.api.consensus.ConsensusRules;
import dev.patchbay.api.consensus.ProtocolSchedule;
import dev.patchbay.api.evm.EvmEngine;
import dev.patchbay.api.evm.EvmExecution;
import dev.patchbay.api.execution.BlockOverride;
import dev.patchbay.api.execution.CallSimulator.Overrides;
import dev.patchbay.api.state.IterableStateReader;
import dev.patchbay.api.state.StateProvider;
import dev.patchbay.primitives.Block;
import dev.patchbay.primitives.BlockHeader;
import dev.patchbay.primitives.ChainConfig;
import dev.patchbay.primitives.Fork;
import dev.patchbay.primitives.Hash;
import dev.patchbay.primitives.Transaction;
import dev.patchbay.primitives.TransactionType;
import dev.patchbay.primitives.UInt256;
import dev.patchbay.primitives.execution.BlockContext;
import java.lang.reflect.InvocationHandler;
import java.lang.reflect.Proxy;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.function.LongFunction;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

/** BLOCKHASH in a call on block 400 that finds another block number. */
class OverriddenNumberTest {
  private static final int BASE = 400;

  private final List<BlockHeader> chain = new ArrayList<>();
  private final List<Hash> hashes = new ArrayList<>();
  private final Map<Hash, BlockHeader> byHash = new HashMap<>();

  /** Headers that were read by their hash. */
  private int walked;

  OverriddenNumberTest() {
    Hash parent = Hash.ZERO;
    for (int number = 0; number <= BASE + 10; number++) {
      BlockHeader header = BlockHeader.builder().number(number).parentHash(parent).build();
      parent = new Block(header, List.of(), List.of(), null).hash();
      hashes.add(parent);
      chain.add(header);
      byHash.put(parent, header);
    }
  }

  private static <T> T stub(Class<T> type, InvocationHandler handler) {
    return type.cast(Proxy.newProxyInstance(type.getClassLoader(), new Class<?>[] {type}, handler));
  }

  private @Nullable BlockHeader header(Object asked) {
    if (asked instanceof Hash hash) {
      walked++;
      return byHash.get(hash);
    }
    return chain.get(((Long) asked).intValue());
  }

  /** Returns what a call finds as hashes of blocks. */
  private LongFunction<@Nullable Hash> found(long overriddenNumber) throws Exception {
    List<BlockContext> opened = new ArrayList<>();
    EvmEngine engine =
        (block, parent) -> {
          opened.add(block);
          return stub(EvmExecution.class, (self, method, args) -> null);
        };
    Execution execution =
        new Execution(
            stub(HeaderReader.class, (self, method, args) -> header(args[0])),
            stub(
                ProtocolSchedule.class,
                (self, method, args) ->
                    method.getName().equals("config")
                        ? ChainConfig.of(UInt256.ONE, Fork.PRAGUE)
                        : stub(
                            ConsensusRules.class,
                            (rules, of, with) ->
                                of.isDefault()
                                    ? InvocationHandler.invokeDefault(rules, of, with)
                                    : null)),
            stub(
                StateProvider.class,
                (self, method, args) -> stub(IterableStateReader.class, (state, of, with) -> null)),
            () -> engine);
    BlockOverride block =
        new BlockOverride(overriddenNumber, null, null, null, null, null, null, null);
    execution.call(
        Transaction.builder(TransactionType.LEGACY).build(),
        hashes.get(BASE),
        chain.get(BASE),
        new Overrides(Map.of(), block),
        null);
    assertThat(opened.get(0).number()).isEqualTo(overriddenNumber);
    return opened.get(0).blockHash();
  }

  @Test
  void hashesAreThoseOfTheChainAndNotShifted() throws Exception {
    LongFunction<@Nullable Hash> found = found(BASE + 10);
    assertThat(found.apply(BASE - 1)).isEqualTo(hashes.get(BASE - 1));
    assertThat(found.apply(BASE - 2)).isEqualTo(hashes.get(BASE - 2));
    assertThat(found.apply(BASE - 200)).isEqualTo(hashes.get(BASE - 200));
  }

  @Test
  void blocksFromTheOneOfTheCallOnHaveNoHash() throws Exception {
    LongFunction<@Nullable Hash> found = found(BASE + 10);
    assertThat(found.apply(BASE)).isNull();
    assertThat(found.apply(BASE + 9)).isNull();
  }

  @Test
  void theNextBlockFindsTheHashOfItsParent() throws Exception {
    LongFunction<@Nullable Hash> found = found(BASE + 1);
    assertThat(found.apply(BASE)).isEqualTo(hashes.get(BASE));
    assertThat(found.apply(BASE - 1)).isEqualTo(hashes.get(BASE - 1));
  }

  @Test
  void aNumberFarBelowNeedsNoWalk() throws Exception {
    LongFunction<@Nullable Hash> found = found(20);
    assertThat(found.apply(19)).isEqualTo(hashes.get(19));
    assertThat(walked).isZero();
  }
}
