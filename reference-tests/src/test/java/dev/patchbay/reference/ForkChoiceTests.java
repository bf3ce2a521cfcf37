// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.reference;

import static org.assertj.core.api.Assertions.assertThat;

import dev.patchbay.api.chain.ForkChoice;
import dev.patchbay.api.chain.PayloadStatus;
import dev.patchbay.api.evm.EvmEngine;
import dev.patchbay.api.payload.Payload;
import dev.patchbay.api.payload.PayloadAttributes;
import dev.patchbay.api.state.StateReader;
import dev.patchbay.api.storage.KeyValueStore;
import dev.patchbay.chain.Chains;
import dev.patchbay.consensus.engine.EngineRules;
import dev.patchbay.evm.engine.DefaultEvmEngine;
import dev.patchbay.payload.Builder;
import dev.patchbay.primitives.Address;
import dev.patchbay.primitives.Block;
import dev.patchbay.primitives.Bytes;
import dev.patchbay.primitives.Hash;
import dev.patchbay.primitives.UInt256;
import dev.patchbay.primitives.execution.StateChanges;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Blocks that are executed beside the chain, and the head that moves to any of them. */
class ForkChoiceTests {
  private static final int ROUNDS = 150;

  /**
   * A tree grows anywhere near its top, and the head jumps about in it: the state is always that of
   * a chain that has seen nothing else, and so it is for a node that ends there and starts again.
   */
  @ParameterizedTest
  @ValueSource(ints = {1, 3, 64})
  void theHeadJumpsAboutInATree(int recent) throws Exception {
    Random random = new Random(recent);
    Miner miner = new Miner(recent);
    KeyValueStore store = Chains.memory();
    Chains.Wired chain = RealChainTests.chain(miner.given(), store, Long.MAX_VALUE, recent);
    List<Block> known = new ArrayList<>(List.of(chain.reader().genesis()));
    int jumps = 0;
    for (int round = 0; round < ROUNDS; round++) {
      Block parent = known.get(known.size() - 1 - random.nextInt(Math.min(6, known.size())));
      Block block = miner.mine(parent);
      final Hash before = chain.reader().head().hash();
      assertThat(chain.importer().insertWithoutSetHead(block)).isEqualTo(new PayloadStatus.Valid());
      assertThat(chain.reader().head().hash()).isEqualTo(before);
      known.add(block);
      if (random.nextInt(8) == 0) { // what was executed is forgotten, and executed again
        store = CatchUpTests.copy(store);
        chain = RealChainTests.chain(miner.given(), store, Long.MAX_VALUE, recent);
      }
      if (random.nextInt(3) == 0) {
        Block head = known.get(known.size() - 1 - random.nextInt(Math.min(9, known.size())));
        boolean goesBack = head.hash().equals(chain.reader().canonicalHash(head.number()));
        assertThat(chain.forkChoice().update(head.hash(), Hash.ZERO, Hash.ZERO))
            .isEqualTo(new ForkChoice.Result.Updated(head));
        check(chain, head);
        check(RealChainTests.chain(miner.given(), CatchUpTests.copy(store), Long.MAX_VALUE), head);
        jumps += goesBack ? 0 : 1;
      }
    }
    assertThat(jumps).isGreaterThan(20);
  }

  /** Checks that flat values and tries of the head are what its header says. */
  private static void check(Chains.Wired chain, Block head) throws Exception {
    assertThat(chain.reader().head()).isEqualTo(head);
    assertThat(chain.states().computeStateRoot(head.hash(), new StateChanges(List.of())))
        .isEqualTo(head.header().stateRoot());
    List<UInt256> keys = new ArrayList<>();
    for (int i = 0; i < 60; i++) {
      keys.add(UInt256.of(i));
    }
    var proof = chain.states().prove(head.hash(), Miner.CONTRACT, keys);
    try (StateReader state = chain.states().stateAt(head.hash())) {
      assertThat(state.account(Miner.CONTRACT)).isEqualTo(proof.account());
      for (var slot : proof.slots()) {
        assertThat(state.storage(Miner.CONTRACT, slot.key())).isEqualTo(slot.value());
      }
    }
    for (Block block = head; block.number() > 0; ) {
      assertThat(chain.reader().canonicalHash(block.number())).isEqualTo(block.hash());
      assertThat(chain.reader().receipts(block.hash())).hasSize(block.transactions().size());
      block = chain.reader().block(block.header().parentHash());
    }
    assertThat(chain.reader().canonicalHash(head.number() + 1)).isNull();
  }

  /** The way to a head far away is gone in steps, whether its blocks were forgotten or not. */
  @Test
  void theHeadGoesALongWay() throws Exception {
    Miner miner = new Miner(1);
    Chains.Wired first = RealChainTests.chain(miner.given(), Chains.memory(), Long.MAX_VALUE);
    KeyValueStore store = Chains.memory();
    Chains.Wired second = RealChainTests.chain(miner.given(), store, Long.MAX_VALUE);
    Block tip = first.reader().genesis();
    for (int i = 0; i < 200; i++) {
      tip = empty(first, tip);
      assertThat(second.importer().insertWithoutSetHead(tip)).isEqualTo(new PayloadStatus.Valid());
    }
    Chains.Wired again =
        RealChainTests.chain(miner.given(), CatchUpTests.copy(store), Long.MAX_VALUE);
    for (Chains.Wired chain : List.of(second, again)) {
      assertThat(chain.reader().head().number()).isZero();
      assertThat(chain.forkChoice().update(tip.hash(), Hash.ZERO, Hash.ZERO))
          .isEqualTo(new ForkChoice.Result.Updated(tip));
      check(chain, tip);
    }
  }

  private static Block empty(Chains.Wired chain, Block parent) {
    Block block = builder(chain).build(parent, attributes(parent)).block();
    assertThat(chain.importer().insertWithoutSetHead(block)).isEqualTo(new PayloadStatus.Valid());
    assertThat(chain.forkChoice().update(block.hash(), Hash.ZERO, Hash.ZERO))
        .isEqualTo(new ForkChoice.Result.Updated(block));
    return block;
  }

  private static Builder builder(Chains.Wired chain) {
    return new Builder(
        chain.reader(),
        chain.schedule(),
        chain.states(),
        chain.executor(),
        Chains.pool(Map.of()),
        30_000_000);
  }

  private static PayloadAttributes attributes(Block parent) {
    return new PayloadAttributes(
        parent.header().timestamp() + 12,
        Hash.ZERO,
        Address.ZERO,
        List.of(),
        Hash.ZERO,
        Bytes.EMPTY,
        null,
        null,
        null);
  }

  @Test
  void anOwnBlockIsNotExecutedAgainAndItsStateRootIsChecked() throws Exception {
    AtomicInteger opened = new AtomicInteger();
    EvmEngine real = new DefaultEvmEngine();
    EvmEngine counting =
        (context, state) -> {
          opened.incrementAndGet();
          return real.open(context, state);
        };
    Miner miner = new Miner(2);
    Chains.Wired chain =
        Chains.of(miner.given().genesis(), Chains.memory(), counting, new EngineRules());
    Block genesis = chain.reader().genesis();
    Block mined = miner.mine(genesis);
    Payload own = builder(chain).build(genesis, attributes(genesis), mined.transactions());
    final int before = opened.get();
    assertThat(
            chain
                .importer()
                .insertWithoutSetHead(
                    own.block(), own.outcome().receipts(), own.outcome().changes()))
        .isEqualTo(new PayloadStatus.Valid());
    assertThat(chain.forkChoice().update(own.block().hash(), Hash.ZERO, Hash.ZERO))
        .isEqualTo(new ForkChoice.Result.Updated(own.block()));
    assertThat(opened.get()).isEqualTo(before);
    check(chain, own.block());
    Block next = miner.mine(genesis); // of which this is not what it does
    assertThat(chain.importer().insertWithoutSetHead(next, List.of(), new StateChanges(List.of())))
        .isInstanceOfSatisfying(
            PayloadStatus.Invalid.class,
            invalid -> {
              assertThat(invalid.reason()).contains("stateRoot");
              assertThat(invalid.latestValidHash()).isEqualTo(genesis.hash());
            });
  }
}
