// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.chain;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.catchThrowable;

import dev.patchbay.api.chain.BlockRetention;
import dev.patchbay.api.chain.ForkChoice;
import dev.patchbay.api.chain.ImportResult;
import dev.patchbay.api.chain.PayloadStatus;
import dev.patchbay.api.chain.PrunedException;
import dev.patchbay.api.chain.SettledException;
import dev.patchbay.api.storage.Column;
import dev.patchbay.api.storage.KeyValueStore;
import dev.patchbay.api.storage.StorageException;
import dev.patchbay.api.storage.WriteBatch;
import dev.patchbay.chain.HistoryPruner.Windows;
import dev.patchbay.primitives.Block;
import dev.patchbay.primitives.Hash;
import dev.patchbay.storage.memory.MemoryBackend;
import java.lang.reflect.InvocationHandler;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Proxy;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.FutureTask;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.locks.LockSupport;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

/** Chains whose blocks are pruned: the columns of the store, and what a reader gets. */
class BlockPruningTest {
  private static final long ALL = Long.MAX_VALUE;

  private static KeyValueStore memory() {
    return new MemoryBackend().open(Path.of("memory"), Columns.ALL, true);
  }

  private static void assertCounts(
      PrunedChain pruned, long blocks, long bodies, long transactions, long changeSets) {
    assertThat(pruned.count(Columns.HEADERS)).as("headers").isEqualTo(blocks);
    assertThat(pruned.count(Columns.DIFFICULTIES)).as("difficulties").isEqualTo(blocks);
    assertThat(pruned.count(Columns.BODIES)).as("bodies").isEqualTo(bodies);
    assertThat(pruned.count(Columns.RECEIPTS)).as("receipts").isEqualTo(bodies);
    assertThat(pruned.count(Columns.TRANSACTIONS)).as("transactions").isEqualTo(transactions);
    assertThat(pruned.count(Columns.CHANGES)).as("change sets").isEqualTo(changeSets);
  }

  private static void assertPruned(Chain chain, Block block, long oldest) {
    String message =
        "pruned history unavailable: block "
            + block.number()
            + " has been pruned, blocks are available from block "
            + oldest
            + " on";
    assertThatThrownBy(() -> chain.block(block.number()))
        .isInstanceOf(PrunedException.class)
        .hasMessage(message);
    assertThatThrownBy(() -> chain.block(block.hash()))
        .isInstanceOf(PrunedException.class)
        .hasMessage(message);
    assertThatThrownBy(() -> chain.receipts(block.hash()))
        .isInstanceOf(PrunedException.class)
        .hasMessage(message);
    assertThat(chain.header(block.number())).isEqualTo(block.header());
    assertThat(chain.header(block.hash())).isEqualTo(block.header());
    assertThat(chain.canonicalHash(block.number())).isEqualTo(block.hash());
    assertThat(chain.totalDifficulty(block.hash())).isNotNull();
    assertThat(chain.transaction(block.transactions().get(0).hash())).isNull();
  }

  private static void assertWhole(Chain chain, Block block, boolean indexed) {
    assertThat(chain.block(block.number())).isEqualTo(block);
    assertThat(chain.block(block.hash())).isEqualTo(block);
    assertThat(chain.receipts(block.hash())).hasSize(1);
    assertThat(chain.transaction(block.transactions().get(0).hash()) != null).isEqualTo(indexed);
  }

  @Test
  void theLatestBlocksAreKept() {
    try (PrunedChain pruned = new PrunedChain(memory(), new Windows(128, 128, 128))) {
      List<Block> blocks = pruned.grow(300);
      Chain chain = pruned.chain;
      assertCounts(pruned, 301, 129, 128, 128);
      assertThat(pruned.count(Columns.CANONICAL)).isEqualTo(301);
      assertThat(chain.retention()).isEqualTo(new BlockRetention(173, 128L, 173, 128L));
      for (Block block : blocks) {
        if (block.number() < 173) {
          assertPruned(chain, block, 173);
        } else {
          assertWhole(chain, block, true);
        }
      }
      assertThat(chain.block(0)).isEqualTo(chain.genesis());
      assertThat(chain.block(301)).as("above the head").isNull();
      assertThat(chain.block(Hash.keccak(new byte[1]))).as("unknown").isNull();
      assertThat(chain.receipts(Hash.keccak(new byte[1]))).as("unknown").isNull();
      assertThat(pruned.problems()).isEmpty();
    }
  }

  @Test
  void eachWindowIsItsOwn() {
    try (PrunedChain pruned = new PrunedChain(memory(), new Windows(128, 256, 200))) {
      List<Block> blocks = pruned.grow(300);
      assertCounts(pruned, 301, 257, 200, 128);
      assertThat(pruned.chain.retention()).isEqualTo(new BlockRetention(45, 256L, 101, 200L));
      assertPruned(pruned.chain, blocks.get(43), 45);
      assertWhole(pruned.chain, blocks.get(44), false);
      assertWhole(pruned.chain, blocks.get(99), false);
      assertWhole(pruned.chain, blocks.get(100), true);
      assertThat(pruned.problems()).isEmpty();
    }
    try (PrunedChain pruned = new PrunedChain(memory(), new Windows(ALL, ALL, 128))) {
      List<Block> blocks = pruned.grow(200);
      assertCounts(pruned, 201, 201, 128, 200);
      assertWhole(pruned.chain, blocks.get(0), false);
      assertThat(pruned.chain.retention()).isEqualTo(new BlockRetention(0, null, 73, 128L));
      assertThat(pruned.problems()).isEmpty();
    }
  }

  /** States of blocks without a body are read; the head cannot go back to them. */
  @Test
  void statesMayGoFurtherBackThanBodies() {
    try (PrunedChain pruned = new PrunedChain(memory(), new Windows(ALL, 128, 128))) {
      List<Block> blocks = pruned.grow(60);
      Block early = pruned.child(blocks.get(49), 5);
      blocks.addAll(pruned.grow(240));
      assertCounts(pruned, 301, 129, 128, 300);
      Chain chain = pruned.chain;
      try (var state = Objects.requireNonNull(chain.states().stateAt(blocks.get(4).hash()))) {
        assertThat(Objects.requireNonNull(state.account(PrunedChain.ACCOUNT)).balance().longValue())
            .isEqualTo(5_000);
      }
      assertThatThrownBy(() -> pruned.importer.importBlock(early))
          .isInstanceOf(SettledException.class)
          .hasMessageStartingWith("pruned history unavailable: block 51 has been pruned");
      assertThat(pruned.importer.insertWithoutSetHead(early))
          .isEqualTo(new PayloadStatus.Accepted());
      assertThat(chain.head()).isEqualTo(blocks.get(299));
      assertThat(pruned.problems()).isEmpty();
    }
  }

  /** The body of the block at the fork is pruned, those of all blocks above it are there. */
  @Test
  void aBranchMayLeaveTheChainAtTheEdgeOfTheWindow() {
    try (PrunedChain pruned = new PrunedChain(memory(), new Windows(128, 128, 128))) {
      List<Block> blocks = pruned.grow(180);
      Block tooEarly = pruned.child(blocks.get(170), 5);
      Block branch = pruned.child(blocks.get(171), 5);
      blocks.addAll(pruned.grow(120));
      assertThatThrownBy(() -> pruned.importer.importBlock(tooEarly))
          .isInstanceOf(SettledException.class)
          .hasMessageStartingWith("the state after block 171 is not kept");
      Chain chain = pruned.chain;
      assertPruned(chain, blocks.get(171), 173);
      List<Block> others = branch(blocks.subList(0, 172), branch, 128);
      for (Block next : others.subList(0, 128)) {
        assertThat(pruned.importer.importBlock(next)).isEqualTo(new ImportResult.Imported(false));
      }
      assertThat(chain.head()).isEqualTo(blocks.get(299));
      assertThat(pruned.importer.importBlock(others.get(128)))
          .isEqualTo(new ImportResult.Imported(true));
      assertThat(chain.head()).isEqualTo(others.get(128));
      // the first of the added blocks is pruned by the last batch, after listeners looked at it
      assertThat(chain.retention()).isEqualTo(new BlockRetention(174, 128L, 174, 128L));
      others.subList(1, 129).forEach(block -> assertWhole(chain, block, true));
      // the removed blocks are side blocks, less the one that cannot become canonical again
      assertThat(chain.block(blocks.get(173).hash())).isEqualTo(blocks.get(173));
      assertThat(chain.receipts(blocks.get(173).hash())).isNotNull();
      assertThat(chain.header(blocks.get(172).hash())).isNull();
      assertThat(pruned.count(Columns.BODIES)).isEqualTo(1 + 128 + 127);
      assertThat(pruned.count(Columns.TRANSACTIONS)).isEqualTo(128);
      assertThat(pruned.problems()).isEmpty();
      pruned.grow(1);
      assertThat(chain.retention()).isEqualTo(new BlockRetention(175, 128L, 175, 128L));
      assertPruned(chain, others.get(1), 175);
      assertCounts(pruned, 302 + 127, 1 + 128 + 126, 128, 128); // side blocks 173 and 174 go, too
      assertThat(pruned.problems()).isEmpty();
    }
  }

  /**
   * Returns a branch; the states of its blocks are computed by a chain that has them as its own.
   */
  private static List<Block> branch(List<Block> common, Block first, int more) {
    List<Block> out = new ArrayList<>(List.of(first));
    try (PrunedChain other = new PrunedChain(memory(), Windows.ALL)) {
      common.forEach(other.importer::importBlock);
      other.importer.importBlock(first);
      out.addAll(other.grow(more));
    }
    return out;
  }

  /** A head is written and cannot be read: listeners are notified of what follows all the same. */
  @Test
  void aReorganisationAtTheEdgeIsAnnouncedAfterAnError() {
    FailingStore failing = new FailingStore();
    try (PrunedChain pruned = new PrunedChain(failing.store(), new Windows(128, 128, 128))) {
      List<Block> blocks = pruned.grow(180);
      Block branch = pruned.child(blocks.get(171), 5);
      blocks.addAll(pruned.grow(120));
      List<Block> others = branch(blocks.subList(0, 172), branch, 128);
      others.subList(0, 128).forEach(pruned.importer::importBlock);
      List<Block> seen = new ArrayList<>(blocks);
      int[] removals = {0};
      pruned.listeners.add(
          (removed, added) -> {
            removed.forEach(gone -> assertThat(seen.remove(seen.size() - 1)).isEqualTo(gone));
            removals[0] += removed.size();
            seen.addAll(added);
          });
      failing.after = new OutOfMemoryError("Java heap space");
      failing.headReads = 1;
      assertThat(catchThrowable(() -> pruned.importer.importBlock(others.get(128)))).isNotNull();
      while (catchThrowable(pruned.chain::head) != null) {
        LockSupport.parkNanos(1_000_000);
      }
      assertThat(removals[0]).isPositive();
      assertThat(seen).as("the head is where it was").isEqualTo(blocks);
      assertThat(pruned.chain.head()).isEqualTo(blocks.get(299));
      assertThat(pruned.importer.importBlock(others.get(128)))
          .isEqualTo(new ImportResult.Imported(true));
      assertThat(seen.subList(172, 301)).isEqualTo(others);
      assertThat(pruned.chain.retention().oldestBlock()).isEqualTo(174);
    }
  }

  @Test
  void theHeadGoesBackWithinTheWindowAlone() {
    try (PrunedChain pruned = new PrunedChain(memory(), new Windows(128, 128, 128))) {
      List<Block> blocks = pruned.grow(300);
      Chain chain = pruned.chain;
      assertThatThrownBy(() -> pruned.importer.setHead(172)).isInstanceOf(PrunedException.class);
      assertThat(chain.head()).isEqualTo(blocks.get(299));
      assertThat(pruned.importer.setHead(173)).isEqualTo(blocks.get(172));
      assertThat(chain.head()).isEqualTo(blocks.get(172));
      assertThat(chain.retention().oldestBlock()).isEqualTo(173);
      assertThat(pruned.count(Columns.TRANSACTIONS)).isEqualTo(1);
      assertThat(pruned.problems()).isEmpty();
      // the window fills up again before anything is pruned
      pruned.grow(127);
      assertThat(chain.retention().oldestBlock()).isEqualTo(173);
      pruned.grow(1);
      assertThat(chain.retention().oldestBlock()).isEqualTo(174);
      assertThat(pruned.problems()).isEmpty();
    }
  }

  @Test
  void aForkChoiceOfAPrunedBlockIsTooDeepOrSkipped() {
    try (PrunedChain pruned = new PrunedChain(memory(), new Windows(128, 128, 128))) {
      List<Block> blocks = pruned.grow(300);
      ForkChoice forkChoice = pruned.forkChoice;
      Hash head = blocks.get(299).hash();
      Hash old = blocks.get(99).hash();
      assertThat(forkChoice.update(old, Hash.ZERO, Hash.ZERO))
          .isEqualTo(
              new ForkChoice.Result.TooDeep(
                  "the head would go back to block 100, states are available from block 172 on,"
                      + " bodies of blocks from block 173 on"));
      // a finalized block may be older than the window
      assertThat(forkChoice.update(head, blocks.get(149).hash(), blocks.get(149).hash()))
          .isEqualTo(new ForkChoice.Result.Updated(blocks.get(299)));
      assertThat(forkChoice.update(old, Hash.ZERO, Hash.ZERO))
          .isEqualTo(new ForkChoice.Result.Skipped());
      assertThatThrownBy(pruned.chain::finalized).isInstanceOf(PrunedException.class);
      assertThatThrownBy(pruned.chain::safe).isInstanceOf(PrunedException.class);
      assertThat(forkChoice.update(Hash.keccak(new byte[1]), Hash.ZERO, Hash.ZERO))
          .as("unknown")
          .isEqualTo(new ForkChoice.Result.Syncing());
    }
  }

  @Test
  void aSmallerWindowIsReachedStepByStep() {
    KeyValueStore store = memory();
    List<Block> blocks;
    try (PrunedChain whole = new PrunedChain(store, Windows.ALL)) {
      blocks = whole.grow(300);
      assertCounts(whole, 301, 301, 300, 300);
    }
    try (PrunedChain pruned = new PrunedChain(store, new Windows(128, 128, 128))) {
      assertWhole(pruned.chain, blocks.get(0), true);
      for (int moves = 1; moves <= 15; moves++) {
        pruned.grow(1);
        long head = 300 + moves;
        long oldest = Math.min(1 + 17L * moves, head - 127);
        assertThat(pruned.chain.retention())
            .isEqualTo(new BlockRetention(oldest, 128L, oldest, 128L));
        long kept = head - oldest + 1;
        assertCounts(pruned, head + 1, kept + 1, kept, kept);
        assertThat(pruned.problems()).isEmpty();
      }
      assertThat(pruned.count(Columns.BODIES)).isEqualTo(129);
    }
  }

  @Test
  void aLargerWindowFillsUpWithNewBlocks() {
    KeyValueStore store = memory();
    List<Block> blocks;
    try (PrunedChain pruned = new PrunedChain(store, new Windows(128, 128, 128))) {
      blocks = pruned.grow(300);
    }
    try (PrunedChain larger = new PrunedChain(store, new Windows(200, 200, 200))) {
      assertPruned(larger.chain, blocks.get(171), 173);
      assertWhole(larger.chain, blocks.get(172), true);
      larger.grow(72);
      assertCounts(larger, 373, 201, 200, 200);
      assertThat(larger.chain.retention()).isEqualTo(new BlockRetention(173, 200L, 173, 200L));
      larger.grow(1);
      assertCounts(larger, 374, 201, 200, 200);
      assertThat(larger.chain.retention()).isEqualTo(new BlockRetention(174, 200L, 174, 200L));
      assertThat(larger.problems()).isEmpty();
    }
    try (PrunedChain all = new PrunedChain(store, Windows.ALL)) {
      all.grow(10);
      assertCounts(all, 384, 211, 210, 210);
      assertPruned(all.chain, blocks.get(172), 174);
      assertThat(all.problems()).isEmpty();
    }
  }

  /** Fails one write, before or after the store has taken it. */
  private static final class FailingStore {
    private final KeyValueStore memory = memory();
    private @Nullable Error before;
    private @Nullable Error after;
    private final List<WriteBatch> batches = new ArrayList<>();

    /** How many reads of the head fail. */
    private int headReads;

    KeyValueStore store() {
      InvocationHandler handler =
          (proxy, method, args) -> {
            boolean write = method.getName().equals("write");
            if (headReads > 0
                && method.getName().equals("get")
                && Arrays.equals((byte[]) args[1], Keys.HEAD)) {
              headReads--;
              throw new StorageException("the head cannot be read");
            }
            Error first = write ? before : null;
            if (first != null) {
              before = null;
              throw first;
            }
            try {
              return method.invoke(memory, args);
            } catch (InvocationTargetException failed) {
              throw failed.getCause();
            } finally {
              if (write) {
                batches.add((WriteBatch) args[0]);
                Error then = after;
                after = null;
                if (then != null) {
                  throw then;
                }
              }
            }
          };
      return (KeyValueStore)
          Proxy.newProxyInstance(
              KeyValueStore.class.getClassLoader(), new Class<?>[] {KeyValueStore.class}, handler);
    }
  }

  private static List<String> columns(WriteBatch batch) {
    return batch.entries().stream().map(entry -> entry.column().name()).distinct().toList();
  }

  /** A node that is killed has written a batch or not: pruning is in that of the head. */
  @Test
  void theHeadAndWhatItPrunesAreOneBatch() {
    FailingStore failing = new FailingStore();
    try (PrunedChain pruned = new PrunedChain(failing.store(), new Windows(128, 128, 128))) {
      List<Block> blocks = pruned.grow(300);
      Chain chain = pruned.chain;
      Block next = pruned.child(chain.head(), 0);
      failing.before = new OutOfMemoryError("Java heap space");
      assertThat(catchThrowable(() -> pruned.importer.importBlock(next)))
          .isInstanceOf(OutOfMemoryError.class);
      assertCounts(pruned, 301, 129, 128, 128);
      assertThat(chain.retention().oldestBlock()).isEqualTo(173);
      assertWhole(chain, blocks.get(172), true);
      failing.batches.clear();
      failing.after = new OutOfMemoryError("Java heap space");
      assertThat(pruned.importer.importBlock(next)).isEqualTo(new ImportResult.Imported(true));
      assertThat(failing.batches).as("that of the head, and one of the tries").hasSize(2);
      assertThat(columns(failing.batches.get(0)))
          .contains("META", "HEADERS", "BODIES", "RECEIPTS", "TRANSACTIONS", "CHANGES");
      assertCounts(pruned, 302, 129, 128, 128);
      assertPruned(chain, blocks.get(172), 174);
      assertThat(pruned.problems()).isEmpty();
    }
    try (PrunedChain again = new PrunedChain(failing.memory, new Windows(128, 128, 128))) {
      assertThat(again.chain.head().number()).isEqualTo(301);
      assertThat(again.chain.retention()).isEqualTo(new BlockRetention(174, 128L, 174, 128L));
      again.grow(1);
      assertCounts(again, 303, 129, 128, 128);
      assertThat(again.problems()).isEmpty();
    }
  }

  /** A canonical block is whole or pruned for who reads at the edge of the window, never half. */
  @Test
  void aReaderGetsAWholeBlockOrAnError() throws Exception {
    try (PrunedChain pruned = new PrunedChain(memory(), new Windows(128, 128, 128))) {
      pruned.grow(140);
      Chain chain = pruned.chain;
      AtomicBoolean running = new AtomicBoolean(true);
      FutureTask<int[]> reader =
          new FutureTask<>(
              () -> {
                int[] found = new int[2]; // whole and pruned blocks
                for (int i = 0; running.get() || found[0] == 0 || found[1] == 0; i++) {
                  long number = chain.head().number() - 129 + i % 4;
                  Hash hash = Objects.requireNonNull(chain.canonicalHash(number));
                  try {
                    Block block = i % 8 < 4 ? chain.block(number) : chain.block(hash);
                    assertThat(Objects.requireNonNull(block).hash()).isEqualTo(hash);
                    assertThat(chain.receipts(hash)).hasSize(1);
                    found[0]++;
                  } catch (PrunedException gone) {
                    assertThatThrownBy(() -> chain.block(hash)).isInstanceOf(PrunedException.class);
                    assertThatThrownBy(() -> chain.receipts(hash))
                        .isInstanceOf(PrunedException.class);
                    found[1]++;
                  }
                }
                return found;
              });
      Thread thread = new Thread(reader, "reader");
      thread.start();
      pruned.grow(300);
      running.set(false);
      assertThat(reader.get(60, TimeUnit.SECONDS)).doesNotContain(0);
    }
  }

  private static void put(KeyValueStore store, Column column, byte[] key, byte @Nullable [] value) {
    WriteBatch batch = new WriteBatch();
    if (value == null) {
      batch.delete(column, key);
    } else {
      batch.put(column, key, value);
    }
    store.write(batch);
  }

  @Test
  void aVerificationReportsWhatWasToBePrunedAndWhatWasNot() {
    KeyValueStore store = memory();
    try (PrunedChain pruned = new PrunedChain(store, new Windows(128, 256, 200))) {
      List<Block> blocks = pruned.grow(300);
      assertThat(pruned.problems()).isEmpty();
      Block gone = blocks.get(19);
      put(store, Columns.BODIES, gone.hash().toArray(), gone.encodeBody());
      put(
          store,
          Columns.RECEIPTS,
          gone.hash().toArray(),
          ChainStore.encodeReceipts(PrunedChain.receipts(20)));
      Hash early = blocks.get(59).transactions().get(0).hash();
      put(
          store,
          Columns.TRANSACTIONS,
          early.toArray(),
          ChainStore.encodeLocation(blocks.get(59).hash(), 0));
      String name = Findings.block(20, gone.hash());
      assertThat(pruned.problems())
          .containsExactlyInAnyOrder(
              "BODIES " + name + ": is not pruned, blocks before block 45 are to be",
              "RECEIPTS " + name + ": is not pruned, blocks before block 45 are to be",
              "TRANSACTIONS "
                  + early
                  + ": no canonical block has this transaction there, or its entry was to be pruned");
      put(store, Columns.BODIES, gone.hash().toArray(), null);
      put(store, Columns.RECEIPTS, gone.hash().toArray(), null);
      put(store, Columns.TRANSACTIONS, early.toArray(), null);
      assertThat(pruned.problems()).isEmpty();
      Block kept = blocks.get(44);
      put(store, Columns.BODIES, kept.hash().toArray(), null);
      put(store, Columns.RECEIPTS, kept.hash().toArray(), null);
      put(
          store,
          Columns.TRANSACTIONS,
          blocks.get(100).transactions().get(0).hash().toArray(),
          null);
      assertThat(pruned.problems()).hasSize(3);
      assertThat(pruned.problems())
          .contains(
              "BODIES " + Findings.block(45, kept.hash()) + ": the body is missing",
              "RECEIPTS " + Findings.block(45, kept.hash()) + ": the receipts are missing");
    }
  }

  @Test
  void aVerificationReportsStartsThatCannotBe() {
    KeyValueStore store = memory();
    try (PrunedChain pruned = new PrunedChain(store, new Windows(128, 128, 128))) {
      pruned.grow(200);
      put(store, Columns.META, Keys.BODIES_FROM, Keys.number(72));
      assertThat(pruned.problems()).hasSize(2); // the body and the receipts of block 72
      put(store, Columns.META, Keys.BODIES_FROM, Keys.number(202));
      assertThat(pruned.problems())
          .contains("META bodies-from: is no block from 1 to the one after the head");
      put(store, Columns.META, Keys.BODIES_FROM, Keys.number(73));
      put(store, Columns.META, Keys.TRANSACTIONS_FROM, Keys.number(72));
      assertThat(pruned.problems())
          .containsExactly(
              "META transactions-from: is block 72, bodies are stored from block 73 on");
    }
  }
}
