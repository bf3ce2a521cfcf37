// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.chain;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.ObjectMapper;
import dev.patchbay.api.chain.BlockImporter;
import dev.patchbay.api.chain.ChainListener;
import dev.patchbay.api.chain.ForkChoice;
import dev.patchbay.api.chain.ImportResult;
import dev.patchbay.api.chain.PayloadStatus;
import dev.patchbay.api.consensus.ConsensusRules;
import dev.patchbay.api.execution.BlockExecutor;
import dev.patchbay.api.storage.Column;
import dev.patchbay.api.storage.KeyValueStore;
import dev.patchbay.api.storage.StorageException;
import dev.patchbay.binding.Listeners;
import dev.patchbay.primitives.Account;
import dev.patchbay.primitives.Address;
import dev.patchbay.primitives.Block;
import dev.patchbay.primitives.BlockHeader;
import dev.patchbay.primitives.BlockHeaderBuilder;
import dev.patchbay.primitives.Hash;
import dev.patchbay.primitives.UInt256;
import dev.patchbay.primitives.execution.FeeMarket;
import dev.patchbay.primitives.execution.StateChanges;
import dev.patchbay.storage.memory.MemoryBackend;
import dev.patchbay.storage.tck.FixedStore;
import java.lang.reflect.InvocationHandler;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Proxy;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.locks.ReentrantLock;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** Blocks that do not become the head: what they cost, when they are executed, and when they go. */
class SideBranchTest {
  private static final Address ACCOUNT = Address.fromHex("0x" + "11".repeat(20));

  private final KeyValueStore memory =
      new MemoryBackend().open(Path.of("memory"), Columns.ALL, true);
  private final TrieWorkers workers = new TrieWorkers(0);
  private final Listeners<ChainListener> listeners = new Listeners<>((m, f) -> {}, m -> {});
  private final AtomicInteger executions = new AtomicInteger();
  private final AtomicInteger reads = new AtomicInteger();
  private boolean failNextWrite;
  private Chain chain;
  private ImportPipeline pipeline;
  private BlockImporter importer;

  @AfterEach
  void close() {
    workers.close();
  }

  private void open(long history) throws Exception {
    chain =
        new Chain(
            GenesisFile.parse(
                new ObjectMapper()
                    .readTree(
                        """
                        {"config": {"chainId": 7, "terminalTotalDifficulty": 0},
                         "gasLimit": "0x1c9c380", "difficulty": "0x0", "alloc": {}}
                        """)),
            workers,
            new RecentNodes(RecentNodes.MOST_BLOCKS),
            new BadBlocks(),
            name -> rules(),
            history);
    BlockExecutor executor = executor();
    pipeline =
        new ImportPipeline(
            chain, new ReentrantLock(), () -> executor, listeners, workers, new BadBlocks());
    importer = pipeline.importer();
    if (memory.isEmpty(Columns.META)) {
      chain.initialize(memory);
    }
    pipeline.open(memory);
    chain.attach(new FixedStore(counted()));
  }

  /** Returns the store, which counts reads, and fails when the test says so. */
  private KeyValueStore counted() {
    InvocationHandler handler =
        (proxy, method, args) -> {
          reads.addAndGet(
              method.getName().equals("get") || method.getName().equals("scan") ? 1 : 0);
          if (method.getName().equals("write") && failNextWrite) {
            failNextWrite = false;
            throw new StorageException("the disk is full");
          }
          try {
            return method.invoke(memory, args);
          } catch (InvocationTargetException failed) {
            throw failed.getCause();
          }
        };
    return (KeyValueStore)
        Proxy.newProxyInstance(
            KeyValueStore.class.getClassLoader(), new Class<?>[] {KeyValueStore.class}, handler);
  }

  private BlockExecutor executor() {
    return (BlockExecutor)
        Proxy.newProxyInstance(
            BlockExecutor.class.getClassLoader(),
            new Class<?>[] {BlockExecutor.class},
            (proxy, method, args) -> {
              executions.incrementAndGet();
              return new BlockExecutor.Outcome(
                  List.of(), 0, 0, null, null, changes(((Block) args[0]).header()));
            });
  }

  private static ConsensusRules rules() {
    return (ConsensusRules)
        Proxy.newProxyInstance(
            ConsensusRules.class.getClassLoader(),
            new Class<?>[] {ConsensusRules.class},
            (proxy, method, args) ->
                method.isDefault() ? InvocationHandler.invokeDefault(proxy, method, args) : null);
  }

  /** Sets the balance of an account to the timestamp of the block. */
  private static StateChanges changes(BlockHeader header) {
    return new StateChanges(
        List.of(
            new StateChanges.AccountChange(
                ACCOUNT,
                null,
                true,
                0,
                UInt256.of(header.timestamp()),
                Account.EMPTY_CODE,
                null,
                false,
                Map.of())));
  }

  /** Returns a block on another one; the salt makes it differ from its siblings. */
  private Block child(Block parent, long salt) {
    return child(parent, salt, 0);
  }

  private Block child(Block parent, long salt, long wrongBalance) {
    long timestamp = 1_000 * (parent.number() + 1) + salt;
    BlockHeaderBuilder header =
        BlockHeader.builder()
            .parentHash(parent.hash())
            .number(parent.number() + 1)
            .timestamp(timestamp)
            .gasLimit(parent.header().gasLimit())
            .baseFeePerGas(FeeMarket.nextBaseFee(parent.header()));
    StateChanges state = changes(BlockHeader.builder().timestamp(timestamp + wrongBalance).build());
    KeyValueStore empty = new MemoryBackend().open(Path.of("empty"), Columns.ALL, true);
    Hash root = new FlatState(new Overlay(empty), workers).computeStateRoot(state);
    return new Block(header.stateRoot(root).build(), List.of(), List.of(), null);
  }

  /** Imports blocks on a canonical block that become the head. */
  private void extend(int blocks) {
    for (int i = 0; i < blocks; i++) {
      Block next = child(chain.head(), 0);
      assertThat(importer.importBlock(next)).isEqualTo(new ImportResult.Imported(true));
    }
  }

  private Block canonical(long number) {
    return Objects.requireNonNull(chain.block(number));
  }

  private int readsOf(Runnable action) {
    int before = reads.get();
    action.run();
    return reads.get() - before;
  }

  private void importSide(Block block) {
    assertThat(importer.importBlock(block)).isEqualTo(new ImportResult.Imported(false));
  }

  @Test
  void aBlockOfASideBranchCostsTheSameHoweverLongTheBranchIs() throws Exception {
    open(Long.MAX_VALUE);
    extend(150);
    int before = executions.get();
    List<Integer> costs = new ArrayList<>();
    Block tip = canonical(40);
    for (int i = 0; i < 100; i++) {
      Block next = child(tip, 7);
      costs.add(readsOf(() -> importSide(next)));
      tip = next;
    }
    assertThat(executions.get() - before).isEqualTo(100);
    assertThat(costs.subList(2, 100)).as("%s", costs).allMatch(cost -> cost <= costs.get(1));
    assertThat(chain.head().number()).isEqualTo(150);
  }

  @Test
  void aBlockOfASideBranchCostsTheSameWhileTheHeadMovesOn() throws Exception {
    open(Long.MAX_VALUE);
    extend(100);
    int before = executions.get();
    List<Integer> costs = new ArrayList<>();
    Block tip = canonical(90);
    for (int i = 0; i < 100; i++) {
      Block next = child(tip, 7);
      costs.add(readsOf(() -> importSide(next)));
      tip = next;
      extend(1);
    }
    assertThat(executions.get() - before).as("each block once").isEqualTo(200);
    assertThat(costs.subList(2, 100))
        .as("%s", costs)
        .allMatch(cost -> cost <= costs.get(1) + 1); // one trie node more after a flush
    // the state of the branch is right: it becomes the chain as it is
    int executed = executions.get();
    assertThat(pipeline.forkChoice().update(tip.hash(), Hash.ZERO, Hash.ZERO))
        .isInstanceOf(ForkChoice.Result.Updated.class);
    assertThat(chain.head()).isEqualTo(tip);
    assertThat(executions.get()).as("the first one, to see that it can be").isEqualTo(++executed);
    Block last = child(tip, 7);
    assertThat(importer.importBlock(last)).isEqualTo(new ImportResult.Imported(true));
    assertThat(executions.get()).isEqualTo(executed + 1);
  }

  @Test
  void aBranchThatIsFarFromTheHeadIsExecutedWhenItWins() throws Exception {
    open(Long.MAX_VALUE);
    extend(200);
    int before = executions.get();
    Block tip = canonical(50);
    List<Block> branch = new ArrayList<>();
    for (int i = 0; i < 150; i++) {
      tip = child(tip, 7);
      branch.add(tip);
      importSide(tip);
    }
    assertThat(executions.get()).as("none of them is executed").isEqualTo(before);
    assertThat(importer.validate(branch.get(0)))
        .as("stored, and not known to be valid")
        .isInstanceOf(PayloadStatus.Accepted.class);
    open(Long.MAX_VALUE); // also after a restart
    Block longer = child(tip, 7);
    assertThat(importer.importBlock(longer)).isEqualTo(new ImportResult.Imported(true));
    assertThat(executions.get()).isEqualTo(before + 151);
    assertThat(chain.head()).isEqualTo(longer);
    assertThat(canonical(51)).isEqualTo(branch.get(0));
    assertThat(memory.count(Columns.SIDE_BLOCKS)).as("the 150 removed ones").isEqualTo(150);
    assertThat(importer.validate(branch.get(0))).isInstanceOf(PayloadStatus.Valid.class);
  }

  @Test
  void anInvalidBlockOfAStoredBranchIsFoundWhenTheBranchWins() throws Exception {
    open(Long.MAX_VALUE);
    extend(200);
    Block head = chain.head();
    Block tip = canonical(50);
    Block invalid = tip;
    for (int i = 0; i < 150; i++) {
      tip = child(tip, 7, i == 100 ? 1 : 0);
      invalid = i == 100 ? tip : invalid;
      importSide(tip);
    }
    int before = executions.get();
    Block longer = child(tip, 7);
    assertThat(importer.importBlock(longer))
        .isInstanceOfSatisfying(
            ImportResult.Invalid.class,
            result -> assertThat(result.reason()).startsWith("stateRoot is "));
    assertThat(executions.get() - before).isEqualTo(101);
    assertThat(chain.head()).isEqualTo(head);
    Block child = child(invalid, 9);
    assertThat(importer.importBlock(child)).isInstanceOf(ImportResult.Invalid.class);
    assertThat(executions.get() - before).as("nothing is executed again").isEqualTo(101);
    extend(1);
  }

  @Test
  void sideBlocksThatCannotBecomeCanonicalArePruned() throws Exception {
    open(128);
    extend(200);
    for (long number = 150; number < 200; number++) {
      importSide(child(canonical(number), 7));
    }
    assertThat(memory.count(Columns.SIDE_BLOCKS)).isEqualTo(50);
    open(128); // the index is read again
    extend(128 - 50); // the oldest state is that after block 150
    assertThat(chain.states().history().oldestBlock()).isEqualTo(150);
    assertThat(memory.count(Columns.SIDE_BLOCKS)).isEqualTo(50);
    extend(2);
    assertThat(memory.count(Columns.SIDE_BLOCKS)).as("blocks 151 and 152").isEqualTo(48);
    for (Column column : List.of(Columns.HEADERS, Columns.BODIES, Columns.DIFFICULTIES)) {
      assertThat(memory.count(column)).as(column.name()).isEqualTo(1 + chain.head().number() + 48);
    }
    Block old = child(canonical(150), 7);
    assertThat(chain.header(old.hash())).isNull();
    assertThatThrownBy(() -> importer.importBlock(old))
        .isInstanceOf(StorageException.class)
        .hasMessageContaining("the state after block 150 is not kept");
    extend(48);
    assertThat(memory.count(Columns.SIDE_BLOCKS)).isZero();
  }

  @Test
  void finalityPrunesSideBlocksStepByStep() throws Exception {
    open(Long.MAX_VALUE);
    extend(100);
    List<Block> side = new ArrayList<>();
    for (long number = 60; number < 100; number++) {
      side.add(child(canonical(number), 7));
      importSide(side.get(side.size() - 1));
    }
    Block finalized = canonical(95);
    for (int left : new int[] {24, 8, 5, 5}) { // 35 of 40 are final, 16 go with each head
      Block next = child(chain.head(), 0);
      assertThat(importer.validate(next)).isInstanceOf(PayloadStatus.Valid.class);
      assertThat(pipeline.forkChoice().update(next.hash(), finalized.hash(), finalized.hash()))
          .isInstanceOf(ForkChoice.Result.Updated.class);
      assertThat(memory.count(Columns.SIDE_BLOCKS)).isEqualTo(left);
    }
    assertThatThrownBy(() -> importer.importBlock(side.get(0)))
        .isInstanceOf(StorageException.class)
        .hasMessageContaining("cannot become canonical: block 95 is final");
    // a branch whose ancestors are pruned is not mistaken for a damaged store
    Block orphan = child(side.get(39), 7);
    assertThat(importer.validate(orphan)).isInstanceOf(PayloadStatus.Valid.class);
    assertThat(importer.validate(child(side.get(10), 7))).isInstanceOf(PayloadStatus.Syncing.class);
  }

  @Test
  void whatABatchThatFailedWouldHavePrunedIsPrunedByTheNext() throws Exception {
    open(128);
    extend(133);
    importSide(child(canonical(5), 7));
    assertThat(chain.states().history().oldestBlock()).isEqualTo(5);
    Block next = child(chain.head(), 0);
    failNextWrite = true;
    assertThatThrownBy(() -> importer.importBlock(next)).hasMessage("the disk is full");
    assertThat(memory.count(Columns.SIDE_BLOCKS)).isEqualTo(1);
    extend(1);
    assertThat(chain.states().history().oldestBlock()).isEqualTo(6);
    assertThat(memory.count(Columns.SIDE_BLOCKS)).isZero();
  }
}
