// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.chain;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.patchbay.api.chain.ForkChoice;
import dev.patchbay.api.chain.ImportResult;
import dev.patchbay.api.chain.PayloadStatus;
import dev.patchbay.api.chain.SettledException;
import dev.patchbay.api.storage.Column;
import dev.patchbay.primitives.Block;
import dev.patchbay.primitives.Hash;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

/** Blocks that do not become the head: what they cost, when they are executed, and when they go. */
class SideBranchTest extends ChainFixture {
  @Test
  void aBlockOfASideBranchCostsTheSameHoweverLongTheBranchIs() {
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

  /** Its place is that after its parent, whatever number it has. */
  @Test
  void aBlockWithAWrongNumberIsRefusedAsInvalid() {
    open(Long.MAX_VALUE);
    extend(3);
    for (long number : new long[] {0, 1, 9, -1}) {
      Block right = child(canonical(1), 7);
      Block wrong =
          new Block(right.header().toBuilder().number(number).build(), List.of(), List.of(), null);
      assertThat(importer.importBlock(wrong))
          .as("number " + number)
          .isInstanceOfSatisfying(
              ImportResult.Invalid.class, result -> assertThat(result.reason()).contains("number"));
    }
  }

  @Test
  void aBlockOfASideBranchCostsTheSameWhileTheHeadMovesOn() {
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
    assertThat(importer.executedBlocks()).isEqualTo(executed + 1);
  }

  @Test
  void aBranchThatIsFarFromTheHeadIsExecutedWhenItWins() {
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
    assertThat(importer.insertWithoutSetHead(branch.get(0)))
        .as("stored, and not known to be valid")
        .isInstanceOf(PayloadStatus.Accepted.class);
    open(Long.MAX_VALUE); // also after a restart
    Block longer = child(tip, 7);
    assertThat(importer.importBlock(longer)).isEqualTo(new ImportResult.Imported(true));
    assertThat(executions.get()).as("the first one twice").isEqualTo(before + 152);
    assertThat(chain.head()).isEqualTo(longer);
    assertThat(canonical(51)).isEqualTo(branch.get(0));
    assertThat(memory.count(Columns.SIDE_BLOCKS)).as("the 150 removed ones").isEqualTo(150);
    assertThat(importer.insertWithoutSetHead(branch.get(0)))
        .isInstanceOf(PayloadStatus.Valid.class);
  }

  @Test
  void anInvalidBlockOfAStoredBranchIsFoundWhenTheBranchWins() {
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
    assertThat(executions.get() - before)
        .as("the first one twice, and those that come back")
        .isEqualTo(102 + 150);
    assertThat(chain.head()).isEqualTo(head);
    Block child = child(invalid, 9);
    assertThat(importer.importBlock(child)).isInstanceOf(ImportResult.Invalid.class);
    assertThat(executions.get() - before).as("nothing is executed again").isEqualTo(102 + 150);
    extend(1);
  }

  /** Otherwise each block above it would have the whole branch executed again. */
  @Test
  void blocksAboveAnInvalidBlockOfAStoredBranchAreRejectedAtOnce() {
    open(Long.MAX_VALUE);
    extend(200);
    Block head = chain.head();
    List<Block> branch = new ArrayList<>();
    Block tip = canonical(50);
    for (int i = 0; i < 150; i++) {
      tip = child(tip, 7, i == 100 ? 1 : 0);
      branch.add(tip);
      importSide(tip);
    }
    Block fork = child(branch.get(120), 8); // stored, too, and not of the reorg that fails
    for (int i = 122; i < 150; i++) {
      importSide(fork);
      fork = child(fork, 8);
    }
    importSide(fork);
    assertThat(importer.importBlock(child(tip, 7))).isInstanceOf(ImportResult.Invalid.class);
    int before = executions.get();
    int reported = chain.badBlocks().size();

    for (long salt = 9; salt < 12; salt++) {
      for (Block parent : List.of(tip, fork)) {
        assertThat(importer.importBlock(child(parent, salt)))
            .isInstanceOfSatisfying(
                ImportResult.Invalid.class,
                result -> assertThat(result.reason()).startsWith("stateRoot is "));
      }
    }
    assertThat(pipeline.forkChoice().update(tip.hash(), Hash.ZERO, Hash.ZERO))
        .isInstanceOfSatisfying(
            ForkChoice.Result.Invalid.class,
            result -> assertThat(result.reason()).startsWith("stateRoot is "));
    assertThat(executions.get()).as("nothing is executed again").isEqualTo(before);
    assertThat(chain.badBlocks()).as("the one invalid block").hasSize(reported);
    assertThat(chain.head()).isEqualTo(head);

    bad.clearRejections(); // as when another EVM is installed
    assertThat(importer.importBlock(child(tip, 9))).isInstanceOf(ImportResult.Invalid.class);
    assertThat(executions.get()).as("the branch is executed again").isGreaterThan(before);
  }

  /** A side block, too, has the blocks of its branch executed. */
  @Test
  void sideBlocksAboveAnInvalidBlockOfAStoredBranchAreRejectedAtOnce() {
    open(Long.MAX_VALUE);
    extend(250);
    Block tip = canonical(100);
    for (int i = 0; i < 50; i++) {
      tip = child(tip, 7, i == 30 ? 1 : 0);
      importSide(tip);
    }
    importer.setHead(200); // now the branch is near enough to be executed
    int before = executions.get();
    assertThat(importer.importBlock(child(tip, 7))).isInstanceOf(ImportResult.Invalid.class);
    assertThat(executions.get() - before).as("up to the invalid block").isEqualTo(31);
    assertThat(importer.importBlock(child(tip, 8))).isInstanceOf(ImportResult.Invalid.class);
    assertThat(importer.insertWithoutSetHead(child(tip, 9)))
        .isInstanceOf(PayloadStatus.Invalid.class);
    assertThat(executions.get() - before).as("nothing is executed again").isEqualTo(31);
  }

  @Test
  void sideBlocksThatCannotBecomeCanonicalArePruned() {
    open(128);
    extend(200);
    for (long number = 150; number < 200; number++) {
      importSide(child(canonical(number), 7));
    }
    assertThat(memory.count(Columns.SIDE_BLOCKS)).isEqualTo(50);
    open(128); // the index is read again
    extend(128 - 50); // the oldest state is that after block 150
    assertThat(chain.states().retention().oldestBlock()).isEqualTo(150);
    assertThat(memory.count(Columns.SIDE_BLOCKS)).isEqualTo(50);
    extend(2);
    assertThat(memory.count(Columns.SIDE_BLOCKS)).as("blocks 151 and 152").isEqualTo(48);
    for (Column column : List.of(Columns.HEADERS, Columns.BODIES, Columns.DIFFICULTIES)) {
      assertThat(memory.count(column)).as(column.name()).isEqualTo(1 + chain.head().number() + 48);
    }
    Block old = child(canonical(150), 7);
    assertThat(chain.header(old.hash())).isNull();
    assertThatThrownBy(() -> importer.importBlock(old))
        .isInstanceOf(SettledException.class)
        .hasMessageContaining("the state after block 150 is not kept");
    extend(48);
    assertThat(memory.count(Columns.SIDE_BLOCKS)).isZero();
  }

  @Test
  void finalityPrunesSideBlocksStepByStep() {
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
      assertThat(importer.insertWithoutSetHead(next)).isInstanceOf(PayloadStatus.Valid.class);
      assertThat(pipeline.forkChoice().update(next.hash(), finalized.hash(), finalized.hash()))
          .isInstanceOf(ForkChoice.Result.Updated.class);
      assertThat(memory.count(Columns.SIDE_BLOCKS)).isEqualTo(left);
    }
    assertThatThrownBy(() -> importer.importBlock(side.get(0)))
        .isInstanceOf(SettledException.class)
        .hasMessageContaining("cannot become canonical: the chain is settled up to block 95");
    // a branch whose ancestors are pruned is not mistaken for a damaged store
    Block orphan = child(side.get(39), 7);
    assertThat(importer.insertWithoutSetHead(orphan)).isInstanceOf(PayloadStatus.Valid.class);
    assertThat(importer.insertWithoutSetHead(child(side.get(10), 7)))
        .isInstanceOf(PayloadStatus.Syncing.class);
  }

  @Test
  void whatABatchThatFailedWouldHavePrunedIsPrunedByTheNext() {
    open(128);
    extend(133);
    importSide(child(canonical(5), 7));
    assertThat(chain.states().retention().oldestBlock()).isEqualTo(5);
    Block next = child(chain.head(), 0);
    failNextWrite = true;
    assertThatThrownBy(() -> importer.importBlock(next)).hasMessage("the disk is full");
    assertThat(memory.count(Columns.SIDE_BLOCKS)).isEqualTo(1);
    extend(1);
    assertThat(chain.states().retention().oldestBlock()).isEqualTo(6);
    assertThat(memory.count(Columns.SIDE_BLOCKS)).isZero();
  }

  @Test
  void aLongBranchThatWinsIsAppliedInBatches() {
    open(Long.MAX_VALUE);
    extend(500);
    Block tip = canonical(50);
    for (int i = 0; i < 450; i++) {
      tip = child(tip, 7);
      importSide(tip);
    }
    List<Integer> sizes = new ArrayList<>();
    listeners.add((removed, added) -> sizes.add(Math.max(removed.size(), added.size())));
    Block longer = child(tip, 7);
    assertThat(importer.importBlock(longer)).isEqualTo(new ImportResult.Imported(true));
    assertThat(chain.head()).isEqualTo(longer);
    assertThat(sizes).hasSizeGreaterThan(10).allMatch(size -> size <= 64);
  }

  /** The finalized block is above the common ancestor, which only some clients ask for. */
  @Test
  void aReorgDoesNotPruneTheBranchThatItMovesTo() {
    open(Long.MAX_VALUE);
    extend(200);
    Hash finalized = canonical(130).hash();
    assertThat(pipeline.forkChoice().update(chain.head().hash(), finalized, finalized))
        .isInstanceOf(ForkChoice.Result.Updated.class);
    Block tip = canonical(100);
    for (int i = 0; i < 110; i++) {
      tip = child(tip, 7);
      assertThat(importer.insertWithoutSetHead(tip)).isInstanceOf(PayloadStatus.Valid.class);
    }
    open(Long.MAX_VALUE); // executed blocks are no longer in memory
    assertThat(pipeline.forkChoice().update(tip.hash(), Hash.ZERO, Hash.ZERO))
        .isInstanceOf(ForkChoice.Result.Updated.class);
    assertThat(chain.head()).isEqualTo(tip);
  }

  @Test
  void aBranchBesideAHeadThatIsBelowTheOldestStateIsNotExecuted() {
    open(128);
    extend(200);
    Block tip = canonical(190);
    for (int i = 0; i < 140; i++) {
      tip = child(tip, 7);
      assertThat(importer.insertWithoutSetHead(tip)).isInstanceOf(PayloadStatus.Valid.class);
    }
    extend(200);
    importer.setHead(300); // 100 blocks above the head that the branch was beside
    assertThat(importer.insertWithoutSetHead(child(tip, 7)))
        .isInstanceOf(PayloadStatus.Accepted.class);
  }

  /** As a download does that finds it stored, after the head was moved back. */
  @Test
  void aStoredBranchThatIsHeavierBecomesTheChainAgain() {
    open(Long.MAX_VALUE);
    extend(100);
    Block tip = chain.head();
    Block next = canonical(41);
    importer.setHead(40);
    Block lighter = child(canonical(39), 7);
    importSide(lighter);
    assertThat(importer.importBlock(lighter)).isEqualTo(new ImportResult.Known());
    assertThat(importer.importBlock(next)).isEqualTo(new ImportResult.Imported(true));
    assertThat(chain.head()).isEqualTo(next);
    assertThat(importer.importBlock(tip))
        .as("all at once")
        .isEqualTo(new ImportResult.Imported(true));
    assertThat(chain.head()).isEqualTo(tip);
    assertThat(importer.importBlock(canonical(60))).isEqualTo(new ImportResult.Known());
  }

  @Test
  void anEndlessBranchIsBounded() {
    open(Long.MAX_VALUE);
    Block tip = chain.genesis();
    int valid = 0;
    for (int i = 0; i < 700; i++) {
      tip = child(tip, 7);
      PayloadStatus status = importer.insertWithoutSetHead(tip);
      if (status instanceof PayloadStatus.Valid) {
        valid++;
      } else {
        assertThat(status)
            .isInstanceOfAny(PayloadStatus.Accepted.class, PayloadStatus.Syncing.class);
      }
    }
    assertThat(valid).isEqualTo(512);
  }
}
