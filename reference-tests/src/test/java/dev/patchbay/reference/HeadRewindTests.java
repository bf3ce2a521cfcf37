// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.reference;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.patchbay.api.chain.ChainListener;
import dev.patchbay.api.chain.ForkChoice;
import dev.patchbay.api.chain.InvalidBlockException;
import dev.patchbay.api.chain.PayloadStatus;
import dev.patchbay.api.consensus.ConsensusRules;
import dev.patchbay.api.evm.EvmEngine;
import dev.patchbay.api.execution.NotReadyException;
import dev.patchbay.api.payload.PayloadAttributes;
import dev.patchbay.api.rpc.RpcNamespace;
import dev.patchbay.api.state.StateReader;
import dev.patchbay.api.storage.Column;
import dev.patchbay.api.storage.KeyValueStore;
import dev.patchbay.api.storage.Snapshot;
import dev.patchbay.api.storage.StorageException;
import dev.patchbay.api.storage.WriteBatch;
import dev.patchbay.chain.Chains;
import dev.patchbay.chain.Columns;
import dev.patchbay.consensus.engine.EngineRules;
import dev.patchbay.evm.engine.DefaultEvmEngine;
import dev.patchbay.op.consensus.OpRules;
import dev.patchbay.payload.Builder;
import dev.patchbay.primitives.Account;
import dev.patchbay.primitives.Address;
import dev.patchbay.primitives.Block;
import dev.patchbay.primitives.Bytes;
import dev.patchbay.primitives.Hash;
import dev.patchbay.primitives.Transaction;
import dev.patchbay.primitives.TransactionType;
import dev.patchbay.primitives.UInt256;
import dev.patchbay.primitives.execution.StateChanges;
import dev.patchbay.rpc.codec.Results;
import dev.patchbay.rpc.engine.Engines;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.function.BiPredicate;
import java.util.function.LongPredicate;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** A consensus client sets the head back: on a rollup any number of blocks, as to op-geth. */
class HeadRewindTests {
  private static final int BLOCKS = 300;
  private static final int MAX_REMOVED_PER_BATCH = 64;
  private static final Address MINTER =
      Address.fromHex("0x00000000000000000000000000000000000abcde");
  private static final Address CONTRACT =
      Address.fromHex("0x00000000000000000000000000000000000000cc");

  /** Stores the block number under the timestamp. */
  private static final String CODE = "0x43425500";

  private final Store store = new Store();
  private final List<Block> blocks = new ArrayList<>();

  /** Counts the blocks that one batch removes, and fails after some batches. */
  private static final class Store implements KeyValueStore {
    private final KeyValueStore content = Chains.memory();
    private long mostRemoved;
    private int batchesLeft = Integer.MAX_VALUE;

    @Override
    public void write(WriteBatch batch) {
      if (batchesLeft-- <= 0) {
        throw new StorageException("the disk is full");
      }
      long removed =
          batch.entries().stream()
              .filter(entry -> entry.column().equals(Columns.CANONICAL) && entry.value() == null)
              .count();
      mostRemoved = Math.max(mostRemoved, removed);
      content.write(batch);
    }

    @Override
    public void flush() {
      content.flush();
    }

    @Override
    public void close() {
      content.close();
    }

    @Override
    public Snapshot snapshot() {
      return content.snapshot();
    }

    @Override
    public long sizeInBytes() {
      return content.sizeInBytes();
    }

    @Override
    public byte[] get(Column column, byte[] key) {
      return content.get(column, key);
    }

    @Override
    public void scan(Column column, byte[] from, BiPredicate<byte[], byte[]> visitor) {
      content.scan(column, from, visitor);
    }
  }

  private static ObjectNode genesis(boolean rollup) {
    ObjectNode genesis = Chains.shanghaiGenesis();
    if (rollup) {
      ObjectNode config = genesis.withObject("/config");
      config.put("bedrockBlock", 0).put("regolithTime", 0).put("canyonTime", 0);
      config
          .putObject("optimism")
          .put("eip1559Elasticity", 6)
          .put("eip1559Denominator", 50)
          .put("eip1559DenominatorCanyon", 250);
    }
    genesis
        .withObject("/alloc")
        .putObject(CONTRACT.toString())
        .put("balance", "0x0")
        .put("code", CODE);
    return genesis;
  }

  private static Chains.Wired chain(boolean rollup, KeyValueStore store, long history) {
    return chain(rollup, store, history, new DefaultEvmEngine());
  }

  private static Chains.Wired chain(
      boolean rollup, KeyValueStore store, long history, EvmEngine engine) {
    ConsensusRules rules = rollup ? new OpRules() : new EngineRules();
    return Chains.of(genesis(rollup), store, engine, rules, history);
  }

  /** Returns a chain with blocks, each of which mints one wei and writes one slot. */
  private Chains.Wired grown(boolean rollup, long history, int count) {
    Chains.Wired chain = chain(rollup, store, history);
    blocks.add(chain.reader().genesis());
    for (int i = 0; i < count; i++) {
      Block next = build(chain, blocks.get(i), 2);
      adopt(chain, next);
      blocks.add(next);
    }
    return chain;
  }

  private static Block build(Chains.Wired chain, Block parent, int seconds) {
    PayloadAttributes.Rollup sequenced =
        chain.reader().config().rollup() == null
            ? null
            : new PayloadAttributes.Rollup(
                List.of(
                    Transaction.builder(TransactionType.DEPOSIT)
                        .sender(MINTER)
                        .to(CONTRACT)
                        .gasLimit(100_000)
                        .deposit(new Transaction.Deposit(parent.hash(), UInt256.ONE, false))
                        .build()),
                true,
                30_000_000,
                null,
                null);
    return builder(chain).build(parent, attributes(parent, seconds, sequenced)).block();
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

  private static PayloadAttributes attributes(
      Block parent, int seconds, PayloadAttributes.Rollup sequenced) {
    return new PayloadAttributes(
        parent.header().timestamp() + seconds,
        Hash.ZERO,
        Address.ZERO,
        List.of(),
        Hash.ZERO,
        Bytes.EMPTY,
        null,
        null,
        sequenced);
  }

  private static void adopt(Chains.Wired chain, Block block) {
    assertThat(chain.importer().insertWithoutSetHead(block)).isEqualTo(new PayloadStatus.Valid());
    assertUpdated(chain, block);
  }

  private static void assertUpdated(Chains.Wired chain, Block head) {
    assertThat(update(chain, head)).isEqualTo(new ForkChoice.Result.Updated(head));
    assertThat(chain.reader().head()).isEqualTo(head);
  }

  private static ForkChoice.Result update(Chains.Wired chain, Block head) {
    return chain.forkChoice().update(head.hash(), Hash.ZERO, Hash.ZERO);
  }

  /** Checks that flat values, tries and indexes are those of the head. */
  private static void check(Chains.Wired chain, Block head) {
    assertThat(chain.reader().head()).isEqualTo(head);
    assertThat(chain.states().computeStateRoot(head.hash(), StateChanges.NONE))
        .isEqualTo(head.header().stateRoot());
    try (StateReader state = chain.states().stateAt(head.hash())) {
      Account minter = state.account(MINTER);
      assertThat(minter == null ? UInt256.ZERO : minter.balance())
          .isEqualTo(UInt256.of(head.number()));
      assertThat(state.storage(CONTRACT, UInt256.of(head.header().timestamp())))
          .isEqualTo(UInt256.of(head.number()));
      assertThat(state.storage(CONTRACT, UInt256.of(head.header().timestamp() + 2)))
          .isEqualTo(UInt256.ZERO);
    }
    assertThat(chain.reader().canonicalHash(head.number())).isEqualTo(head.hash());
    assertThat(chain.reader().canonicalHash(head.number() + 1)).isNull();
    for (Transaction transaction : head.transactions()) {
      assertThat(chain.reader().transaction(transaction.hash()).blockHash()).isEqualTo(head.hash());
    }
  }

  @Test
  void theHeadOfARollupGoesBackAnyNumberOfBlocks() {
    Chains.Wired chain = grown(true, Long.MAX_VALUE, BLOCKS);
    Block tip = blocks.get(BLOCKS);
    check(chain, tip);
    for (int number : new int[] {BLOCKS - 33, 65, 1, 0}) {
      assertUpdated(chain, blocks.get(number));
      check(chain, blocks.get(number));
      check(chain(true, CatchUpTests.copy(store.content), Long.MAX_VALUE), blocks.get(number));
      Transaction last = tip.transactions().get(0);
      assertThat(chain.reader().transaction(last.hash())).isNull();
      assertUpdated(chain, tip);
      check(chain, tip);
    }
    assertThat(store.mostRemoved).isEqualTo(MAX_REMOVED_PER_BATCH);
  }

  @Test
  void aBlockIsReplacedWhereTheHeadWentBackTo() {
    Chains.Wired chain = grown(true, Long.MAX_VALUE, BLOCKS);
    Block parent = blocks.get(100);
    assertUpdated(chain, parent);
    Block other = build(chain, parent, 1);
    adopt(chain, other);
    check(chain, other);
    Block next = build(chain, other, 2);
    adopt(chain, next);
    assertUpdated(chain, blocks.get(BLOCKS)); // 2 blocks are removed, 200 added
    check(chain, blocks.get(BLOCKS));
    assertUpdated(chain, next); // 200 blocks are removed, 2 added
    check(chain, next);
    assertThat(store.mostRemoved).isEqualTo(MAX_REMOVED_PER_BATCH);
  }

  static Stream<Throwable> failures() {
    return Stream.of(
        new NotReadyException("no EVM is installed"),
        new InvalidBlockException("a rule is broken"),
        new StorageException("a file is damaged"),
        new NoClassDefFoundError("dev/patchbay/Exchanged"));
  }

  /** An engine that fails from now on for the blocks with some timestamps. */
  private static EvmEngine failing(Throwable failure, LongPredicate timestamps) {
    EvmEngine engine = new DefaultEvmEngine();
    return (block, parent) -> {
      if (timestamps.test(block.timestamp())) {
        HeadRewindTests.<RuntimeException>sneak(failure);
      }
      return engine.open(block, parent);
    };
  }

  @SuppressWarnings("unchecked")
  private static <E extends Throwable> void sneak(Throwable failure) throws E {
    throw (E) failure;
  }

  /** Returns a branch of blocks that are stored and not canonical. */
  private static List<Block> branch(Chains.Wired chain, Block parent, int count) {
    List<Block> out = new ArrayList<>();
    Block last = parent;
    for (int i = 0; i < count; i++) {
      last = build(chain, last, i == 0 ? 1 : 2); // all timestamps differ from the chain's
      adopt(chain, last);
      out.add(last);
    }
    return out;
  }

  private void assertFails(Chains.Wired chain, Throwable failure, Block head) {
    if (failure instanceof InvalidBlockException) {
      assertThat(update(chain, head)).isInstanceOf(ForkChoice.Result.Invalid.class);
    } else {
      assertThatThrownBy(() -> update(chain, head)).isSameAs(failure);
    }
  }

  @ParameterizedTest
  @MethodSource("failures")
  void aForkChoiceThatFailsLeavesTheHead(Throwable failure) {
    Chains.Wired grown = grown(true, Long.MAX_VALUE, 200);
    Block tip = blocks.get(200);
    assertUpdated(grown, blocks.get(50));
    List<Block> branch = branch(grown, blocks.get(50), 70);
    assertUpdated(grown, tip);
    for (int failing : new int[] {0, 1, 69}) { // at once, after the rewind, in the second batch
      KeyValueStore copy = CatchUpTests.copy(store.content);
      long first = branch.get(failing).header().timestamp();
      Chains.Wired chain =
          chain(true, copy, Long.MAX_VALUE, failing(failure, timestamp -> timestamp == first));
      assertFails(chain, failure, branch.get(69));
      check(chain, tip);
      check(chain(true, CatchUpTests.copy(copy), Long.MAX_VALUE), tip);
    }
  }

  @Test
  void aForkChoiceWithoutAnEvmMovesNothing() {
    Chains.Wired grown = grown(true, Long.MAX_VALUE, 200);
    Block tip = blocks.get(200);
    assertUpdated(grown, blocks.get(50));
    List<Block> branch = branch(grown, blocks.get(50), 2);
    assertUpdated(grown, tip);
    NotReadyException missing = new NotReadyException("no EVM is installed");
    Chains.Wired chain =
        chain(
            true,
            CatchUpTests.copy(store.content),
            Long.MAX_VALUE,
            failing(missing, timestamp -> true));
    List<Block> moved = new ArrayList<>();
    chain
        .listeners()
        .add(
            (removed, added) -> {
              moved.addAll(removed);
              moved.addAll(added);
            });
    assertFails(chain, missing, branch.get(1));
    check(chain, tip);
    assertThat(moved).isEmpty();
  }

  /** A listener that gets one batch knows how many blocks the others remove. */
  @Test
  void listenersKnowTheDepthOfARewind() {
    Chains.Wired chain = grown(true, Long.MAX_VALUE, 200);
    List<Long> depths = new ArrayList<>();
    List<Block> removedInAll = new ArrayList<>();
    chain
        .listeners()
        .add(
            new ChainListener() {
              @Override
              public void headChanged(List<Block> removed, List<Block> added) {
                throw new AssertionError("called without the depth");
              }

              @Override
              public void headChanged(List<Block> removed, List<Block> added, long depth) {
                depths.add(depth);
                removedInAll.addAll(removed);
              }
            });
    assertUpdated(chain, blocks.get(60));
    assertThat(depths).containsExactly(140L, 140L, 140L);
    assertThat(removedInAll).hasSize(140);
    depths.clear();
    assertThat(chain.importer().setHead(50)).isEqualTo(blocks.get(50));
    adopt(chain, build(chain, blocks.get(50), 1));
    assertThat(depths).containsExactly(10L, 0L);
  }

  @Test
  void payloadsAreBuiltOnAHeadThatIsOld() throws Exception {
    Chains.Wired chain = grown(true, Long.MAX_VALUE, 150);
    Block old = blocks.get(20);
    Block other = build(chain, old, 1); // the head is still the tip
    assertThat(other.header().parentHash()).isEqualTo(old.hash());
    Map<?, ?> answer = update(Engines.of(chain), old.hash());
    assertThat(answer.get("status")).isEqualTo("VALID");
    assertThat(answer.get("latestValidHash")).isEqualTo(old.hash().toString());
    adopt(chain, other);
    check(chain, other);
  }

  @Test
  void theHeadOfARollupStaysAtOrAboveTheFinalizedBlock() {
    Chains.Wired chain = grown(true, Long.MAX_VALUE, 150);
    Block tip = blocks.get(150);
    Hash finalized = blocks.get(60).hash();
    assertThat(chain.forkChoice().update(tip.hash(), finalized, finalized))
        .isEqualTo(new ForkChoice.Result.Updated(tip));
    assertThat(update(chain, blocks.get(59))).isEqualTo(new ForkChoice.Result.Skipped());
    assertThat(chain.reader().head()).isEqualTo(tip);
    assertUpdated(chain, blocks.get(60));
    assertThat(chain.reader().finalized()).isEqualTo(blocks.get(60));
  }

  @Test
  void theHeadOfARollupStaysWhereStatesAreAvailable() throws Exception {
    Chains.Wired chain = grown(true, 128, 200);
    Block tip = blocks.get(200);
    long oldest = chain.states().retention().oldestBlock();
    assertThat(update(chain, blocks.get((int) oldest - 1)))
        .isInstanceOfSatisfying(
            ForkChoice.Result.TooDeep.class,
            deep ->
                assertThat(deep.reason())
                    .contains("block " + (oldest - 1))
                    .contains("available from block " + oldest));
    assertThatThrownBy(() -> update(Engines.of(chain), blocks.get(3).hash()))
        .hasMessageStartingWith("Too deep reorg: the head would go back to block 3");
    check(chain, tip);
    assertUpdated(chain, blocks.get((int) oldest));
    check(chain, blocks.get((int) oldest));
  }

  @Test
  void anInterruptedRewindLeavesAHeadOfTheChain() {
    Chains.Wired chain = grown(true, Long.MAX_VALUE, BLOCKS);
    store.batchesLeft = 2;
    assertThatThrownBy(() -> update(chain, blocks.get(0))).isInstanceOf(StorageException.class);
    Block between = blocks.get(BLOCKS - 2 * MAX_REMOVED_PER_BATCH);
    check(chain, between);
    check(chain(true, CatchUpTests.copy(store.content), Long.MAX_VALUE), between);
    store.batchesLeft = Integer.MAX_VALUE;
    assertUpdated(chain, blocks.get(0));
    check(chain, blocks.get(0));
  }

  @Test
  void setHeadIsBoundedToo() {
    Chains.Wired chain = grown(true, Long.MAX_VALUE, BLOCKS);
    assertThat(chain.importer().setHead(5)).isEqualTo(blocks.get(5));
    check(chain, blocks.get(5));
    assertThat(store.mostRemoved).isEqualTo(MAX_REMOVED_PER_BATCH);
  }

  @Test
  void onEthereumTheHeadGoesBackBy32Blocks() {
    Chains.Wired chain = grown(false, Long.MAX_VALUE, 100);
    assertThat(update(chain, blocks.get(67)))
        .isEqualTo(
            new ForkChoice.Result.TooDeep("the head would go back by 33 blocks, at most 32"));
    assertThat(chain.reader().head()).isEqualTo(blocks.get(100));
    assertUpdated(chain, blocks.get(68));
  }

  @Test
  void aPayloadWhoseParentHasNoStateIsAcceptedOrInconsistent() throws Exception {
    Chains.Wired chain = grown(true, 128, 200);
    Chains.Wired other = chain(true, Chains.memory(), Long.MAX_VALUE);
    for (Block block : blocks.subList(1, 11)) {
      adopt(other, block);
    }
    Block side = build(other, blocks.get(10), 1);
    assertThat(insert(Engines.of(chain), side)).isEqualTo("ACCEPTED");
    assertThat(insert(Engines.of(chain, true), side)).isEqualTo("INCONSISTENT");
    Block orphan = build(other, side(other, side), 1);
    assertThat(insert(Engines.of(chain, true), orphan)).isEqualTo("SYNCING");
    assertThat(insert(Engines.of(chain, true), blocks.get(200))).isEqualTo("VALID");
    assertThat(chain.reader().head()).isEqualTo(blocks.get(200));
  }

  private static Block side(Chains.Wired chain, Block block) {
    adopt(chain, block);
    return block;
  }

  private static Object insert(RpcNamespace engine, Block block) throws Exception {
    Map<?, ?> status =
        (Map<?, ?>)
            engine.methods().get("engine_newPayloadV2").call(List.of(Results.payload(block)), null);
    return status.get("status");
  }

  private static Map<?, ?> update(RpcNamespace engine, Hash head) throws Exception {
    Map<String, Object> state =
        Map.of(
            "headBlockHash", head.toString(),
            "safeBlockHash", Hash.ZERO.toString(),
            "finalizedBlockHash", Hash.ZERO.toString());
    Map<?, ?> answer =
        (Map<?, ?>) engine.methods().get("engine_forkchoiceUpdatedV3").call(List.of(state), null);
    return (Map<?, ?>) answer.get("payloadStatus");
  }
}
