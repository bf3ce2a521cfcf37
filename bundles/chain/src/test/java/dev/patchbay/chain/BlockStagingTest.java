// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.chain;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.patchbay.api.chain.BlockStage;
import dev.patchbay.api.chain.BlockStage.Linked;
import dev.patchbay.api.chain.BlockStage.Staged;
import dev.patchbay.api.chain.BlockStage.Wanted;
import dev.patchbay.api.chain.ChainListener;
import dev.patchbay.api.chain.ForkChoice.Result;
import dev.patchbay.api.chain.ImportResult;
import dev.patchbay.api.chain.PayloadStatus;
import dev.patchbay.api.execution.BlockExecutor;
import dev.patchbay.api.execution.NotReadyException;
import dev.patchbay.api.storage.StorageException;
import dev.patchbay.primitives.Block;
import dev.patchbay.primitives.BlockHeader;
import dev.patchbay.primitives.Hash;
import java.util.ArrayList;
import java.util.Collections;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Random;
import java.util.Set;
import java.util.TreeSet;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.LongConsumer;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** Blocks between the chain and a head that a consensus client names. */
class BlockStagingTest extends ChainFixture {
  private static final ImportResult HEAD = new ImportResult.Imported(true);
  private static final ImportResult ASIDE = new ImportResult.Imported(false);

  private final Map<Hash, Block> all = new HashMap<>();
  private final AtomicInteger requests = new AtomicInteger();
  private final List<Long> heads = new ArrayList<>();
  private final Set<Long> depths = new TreeSet<>();

  /** Is called with the number of a block that is executed. */
  private LongConsumer onExecute = number -> {};

  @BeforeEach
  void open() {
    open(Long.MAX_VALUE);
    listeners.add(
        new ChainListener() {
          @Override
          public void headChanged(List<Block> removed, List<Block> added) {
            added.forEach(block -> heads.add(block.number()));
          }

          @Override
          public void headChanged(List<Block> removed, List<Block> added, long depth) {
            depths.add(depth);
            headChanged(removed, added);
          }

          @Override
          public void headRequested() {
            requests.incrementAndGet();
          }
        });
  }

  @Override
  BlockExecutor executor() {
    return BalanceBlocks.executor(
        header -> {
          executions.incrementAndGet();
          onExecute.accept(header.number());
          return List.of();
        });
  }

  private BlockStage stage() {
    return pipeline.stage();
  }

  /** Makes blocks on a block, lowest first. */
  private List<Block> branch(Block parent, int count, long salt) {
    List<Block> out = new ArrayList<>();
    Block tip = parent;
    for (int i = 0; i < count; i++) {
      tip = child(tip, salt);
      all.put(tip.hash(), tip);
      out.add(tip);
    }
    return out;
  }

  private static <T> T last(List<T> list) {
    return list.get(list.size() - 1);
  }

  private Result name(Block head) {
    return pipeline.forkChoice().update(head.hash(), Hash.ZERO, Hash.ZERO);
  }

  private static List<BlockHeader> down(List<Block> blocks) {
    List<BlockHeader> out = new ArrayList<>(blocks.stream().map(Block::header).toList());
    Collections.reverse(out);
    return out;
  }

  private Wanted wanted() {
    return Objects.requireNonNull(stage().wanted());
  }

  /** Adds headers as peers would serve them, until they reach the chain; returns how many. */
  private int fetchHeaders(int atOnce) {
    int fetched = 0;
    for (Wanted w = stage().wanted(); w != null && w.missing() != null; w = stage().wanted()) {
      List<BlockHeader> headers = new ArrayList<>();
      Block next = all.get(w.missing());
      while (next != null && headers.size() < atOnce) {
        headers.add(next.header());
        next = all.get(next.header().parentHash());
      }
      stage().addHeaders(headers);
      fetched += headers.size();
    }
    return fetched;
  }

  /** Imports what is wanted upwards, and returns the results. */
  private List<ImportResult> importAll() {
    List<ImportResult> out = new ArrayList<>();
    for (Wanted w = stage().wanted(); w != null; w = stage().wanted()) {
      Staged lowest = stage().blocks(w.lowest(), 1).get(0);
      out.add(stage().importBlock(Objects.requireNonNull(all.get(lowest.header().computeHash()))));
    }
    return out;
  }

  private void assertNothingIsStaged() {
    assertThat(memory.isEmpty(Columns.STAGED_HEADERS)).isTrue();
    assertThat(memory.isEmpty(Columns.STAGED_BODIES)).isTrue();
    assertThat(memory.get(Columns.META, Keys.STAGED)).isNull();
    assertThat(memory.get(Columns.META, Keys.STAGED_OBSOLETE)).isNull();
  }

  @Test
  void aHeadFarAheadIsReachedDownwardsAndThenUpwards() {
    List<Block> blocks = branch(chain.head(), 600, 0);
    Block head = last(blocks);
    assertThat(importer.insertWithoutSetHead(head)).isEqualTo(new PayloadStatus.Syncing());
    assertThat(stage().wanted()).as("nothing before it is named as head").isNull();
    assertThat(name(head)).isEqualTo(new Result.Syncing());
    assertThat(requests).hasValue(1);
    assertThat(wanted()).isEqualTo(new Wanted(head.hash(), 600, 600, blocks.get(598).hash()));
    stage().addHeaders(down(blocks.subList(87, 599)));
    assertThat(wanted()).isEqualTo(new Wanted(head.hash(), 88, 600, blocks.get(86).hash()));
    assertThat(name(head)).isEqualTo(new Result.Syncing());
    stage().addHeaders(down(blocks.subList(0, 87)));
    assertThat(wanted()).isEqualTo(new Wanted(head.hash(), 1, 600, null));
    assertThat(stage().blocks(599, 10))
        .containsExactly(
            new Staged(blocks.get(598).header(), null), new Staged(head.header(), head));
    stage().addBodies(blocks.subList(0, 300));
    assertThat(stage().blocks(299, 3).stream().map(Staged::block))
        .containsExactly(blocks.get(298), blocks.get(299), null);
    assertThat(importAll()).hasSize(600).containsOnly(HEAD);
    assertThat(executions).hasValue(600);
    assertThat(heads).hasSize(600).isSorted().doesNotHaveDuplicates();
    assertThat(name(head)).isEqualTo(new Result.Updated(head));
    assertThat(importer.insertWithoutSetHead(head)).isEqualTo(new PayloadStatus.Valid());
    assertThat(executions).as("none is executed twice").hasValue(600);
    assertThat(importer.executedBlocks()).isEqualTo(600);
    assertNothingIsStaged();
  }

  @Test
  void aHeadThatWasNotHandedOverIsAskedForByItsHash() {
    List<Block> blocks = branch(chain.head(), 5, 0);
    assertThat(name(blocks.get(4))).isEqualTo(new Result.Syncing());
    assertThat(wanted()).isEqualTo(new Wanted(last(blocks).hash(), 0, 0, last(blocks).hash()));
    List<BlockHeader> downToGenesis = new ArrayList<>(down(blocks));
    downToGenesis.add(chain.genesis().header());
    stage().addHeaders(downToGenesis);
    assertThat(wanted()).isEqualTo(new Wanted(last(blocks).hash(), 1, 5, null));
    assertThat(importAll()).hasSize(5).containsOnly(HEAD);
    assertNothingIsStaged();
  }

  @Test
  void headersThatAreNotWantedAreIgnored() {
    List<Block> blocks = branch(chain.head(), 9, 0);
    List<Block> others = branch(chain.head(), 9, 1);
    stage().addHeaders(down(blocks));
    assertThat(stage().wanted()).isNull();
    name(blocks.get(8));
    stage().addHeaders(down(others));
    assertThat(wanted().missing()).isEqualTo(last(blocks).hash());
    assertThatThrownBy(
            () -> stage().addHeaders(List.of(blocks.get(8).header(), blocks.get(6).header())))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("7");
    stage().addHeaders(List.of());
    stage().addHeaders(down(blocks.subList(4, 9)));
    stage().addBodies(others);
    assertThat(stage().blocks(0, 99)).extracting(Staged::block).containsOnlyNulls().hasSize(5);
    assertThat(stage().importBlock(others.get(4))).isEqualTo(new ImportResult.Known());
    assertThat(stage().importBlock(blocks.get(4))).isEqualTo(new ImportResult.UnknownParent());
  }

  @Test
  void laterHeadsKeepWhatIsHere() {
    List<Block> blocks = branch(chain.head(), 100, 0);
    name(blocks.get(59));
    stage().addHeaders(down(blocks.subList(30, 60)));
    importer.insertWithoutSetHead(blocks.get(60));
    importer.insertWithoutSetHead(blocks.get(61));
    name(blocks.get(61));
    assertThat(wanted())
        .as("two blocks that were handed over go on top")
        .isEqualTo(new Wanted(blocks.get(61).hash(), 31, 62, blocks.get(29).hash()));
    importer.insertWithoutSetHead(last(blocks));
    name(last(blocks));
    assertThat(wanted().lowest()).as("a gap to the head before").isEqualTo(100);
    assertThat(fetchHeaders(16)).as("37 of the gap in batches, 30 of the rest").isEqualTo(48 + 30);
    assertThat(importAll()).hasSize(100).containsOnly(HEAD);
    assertNothingIsStaged();
  }

  @Test
  void aHeadWhoseHeaderIsMissingDoesNotStopTheImportBeforeIt() {
    List<Block> blocks = branch(chain.head(), 30, 0);
    List<Block> above = branch(last(blocks), 5, 0);
    name(last(blocks));
    assertThat(stage().linked()).isNull();
    fetchHeaders(100);
    assertThat(stage().linked()).isEqualTo(new Linked(1, 30));
    assertThat(stage().importBlock(blocks.get(0))).isEqualTo(HEAD);
    name(above.get(3));
    name(above.get(4));
    Hash head = above.get(4).hash();
    assertThat(wanted()).isEqualTo(new Wanted(head, 0, 0, head));
    assertThat(stage().linked()).isEqualTo(new Linked(2, 30));
    assertThat(stage().blocks(2, 99)).hasSize(29);
    stage().addBodies(blocks.subList(1, 4));
    assertThat(stage().blocks(2, 3)).extracting(Staged::block).doesNotContainNull();
    for (Block block : blocks.subList(1, 20)) {
      assertThat(stage().importBlock(block)).isEqualTo(HEAD);
    }
    stage().addHeaders(down(above.subList(3, 5)));
    assertThat(wanted()).isEqualTo(new Wanted(head, 34, 35, above.get(2).hash()));
    assertThat(stage().linked()).as("a gap").isEqualTo(new Linked(21, 30));
    assertThat(stage().importBlock(blocks.get(20))).isEqualTo(HEAD);
    stage().addHeaders(down(above.subList(0, 3)));
    assertThat(stage().linked()).isEqualTo(new Linked(22, 35));
    assertThat(importAll()).hasSize(14).containsOnly(HEAD);
    assertNothingIsStaged();
  }

  @Test
  void anInvalidBlockBeforeAnEarlierHeadLeavesTheNextOneOpen() {
    Block first = branch(chain.head(), 1, 0).get(0);
    Block wrong = child(first, 0, 1);
    all.put(wrong.hash(), wrong);
    List<Block> above = branch(wrong, 5, 0);
    List<Block> other = branch(first, 9, 1);
    name(last(above));
    fetchHeaders(100);
    name(last(other));
    assertThat(stage().importBlock(first)).isEqualTo(HEAD);
    assertThat(stage().importBlock(wrong)).isInstanceOf(ImportResult.Invalid.class);
    assertThat(stage().linked()).isNull();
    assertThat(wanted().missing()).isEqualTo(last(other).hash());
    assertThat(name(last(above))).isInstanceOf(Result.Invalid.class);
    name(last(other));
    fetchHeaders(100);
    assertThat(importAll()).hasSize(9).containsOnly(HEAD);
    assertNothingIsStaged();
  }

  @Test
  void anotherBranchReplacesWhatIsHere() {
    List<Block> blocks = branch(chain.head(), 50, 0);
    List<Block> other = branch(blocks.get(19), 20, 1);
    name(last(blocks));
    stage().addHeaders(down(blocks.subList(10, 50)));
    stage().addBodies(blocks.subList(10, 50));
    name(last(other));
    assertThat(fetchHeaders(8)).as("20 others, in batches, and 10 of both").isEqualTo(24 + 10);
    assertThat(wanted()).isEqualTo(new Wanted(last(other).hash(), 1, 40, null));
    assertThat(stage().blocks(1, 99)).hasSize(40);
    assertThat(stage().blocks(21, 1).get(0)).isEqualTo(new Staged(other.get(0).header(), null));
    assertThat(stage().blocks(20, 1).get(0).block()).isEqualTo(blocks.get(19));
    assertThat(importAll()).hasSize(40).containsOnly(HEAD);
    assertNothingIsStaged();
  }

  @Test
  void aRestartGoesOnWithWhatIsHere() {
    List<Block> blocks = branch(chain.head(), 40, 0);
    name(last(blocks));
    stage().addHeaders(down(blocks.subList(20, 40)));
    stage().addBodies(blocks.subList(20, 40));
    open(Long.MAX_VALUE);
    assertThat(stage().wanted()).as("the client has named nothing yet").isNull();
    name(last(blocks));
    assertThat(wanted()).isEqualTo(new Wanted(last(blocks).hash(), 21, 40, blocks.get(19).hash()));
    fetchHeaders(100);
    assertThat(stage().importBlock(blocks.get(0))).isEqualTo(HEAD);
    open(Long.MAX_VALUE);
    name(last(blocks));
    assertThat(wanted().lowest()).isEqualTo(2);
    assertThat(stage().blocks(21, 99)).extracting(Staged::block).doesNotContainNull().hasSize(20);
    assertThat(importAll()).hasSize(39).containsOnly(HEAD);
    assertThat(executions).hasValue(40);
  }

  @Test
  void anInvalidBlockMakesTheHeadInvalid() {
    List<Block> valid = branch(chain.head(), 5, 0);
    Block wrong = child(last(valid), 0, 1);
    all.put(wrong.hash(), wrong);
    List<Block> above = branch(wrong, 5, 0);
    importer.insertWithoutSetHead(last(above));
    name(last(above));
    fetchHeaders(4);
    List<ImportResult> results = importAll();
    assertThat(results.subList(0, 5)).containsOnly(HEAD);
    assertThat(results.get(5))
        .isInstanceOfSatisfying(
            ImportResult.Invalid.class, i -> assertThat(i.reason()).contains("stateRoot"));
    assertNothingIsStaged();
    assertThat(chain.head()).isEqualTo(last(valid));
    assertThat(name(last(above)))
        .isInstanceOfSatisfying(
            Result.Invalid.class,
            i -> assertThat(i.latestValidHash()).isEqualTo(last(valid).hash()));
    assertThat(importer.insertWithoutSetHead(last(above)))
        .isInstanceOf(PayloadStatus.Invalid.class);
    Block next = branch(last(above), 1, 0).get(0);
    assertThat(importer.insertWithoutSetHead(next)).isInstanceOf(PayloadStatus.Invalid.class);
    List<Block> later = branch(next, 30, 0);
    int before = executions.get();
    name(last(later));
    assertThat(fetchHeaders(4)).as("no further than to a block that is rejected").isLessThan(36);
    assertThat(stage().wanted()).isNull();
    assertThat(executions).as("the invalid block is not executed again").hasValue(before);
    assertThat(name(last(later))).isInstanceOf(Result.Invalid.class);
  }

  /** Stages blocks with bodies above an invalid one, which is imported. */
  private List<Block> invalidStage(int count) {
    Block wrong = child(chain.head(), 0, 1);
    all.put(wrong.hash(), wrong);
    List<Block> above = branch(wrong, count - 1, 0);
    name(last(above));
    fetchHeaders(512);
    stage().addBodies(above);
    assertThat(stage().importBlock(wrong)).isInstanceOf(ImportResult.Invalid.class);
    assertThat(stage().wanted()).isNull();
    assertThat(memory.get(Columns.META, Keys.STAGED)).isNull();
    return above;
  }

  private void assertStageIsWhole() {
    Findings findings = new Findings();
    new StagedCheck(memory, findings, () -> {}, done -> {}, chain.config(), chain.rules()).run();
    assertThat(findings.report().problems()).isEmpty();
  }

  @Test
  void aLongStageIsDeletedInPortionsAlsoAfterARestart() {
    invalidStage(3_000);
    assertThat(memory.count(Columns.STAGED_HEADERS)).isEqualTo(3_000 - 1_024);
    assertStageIsWhole();
    open(Long.MAX_VALUE); // as after a kill between two portions
    assertThat(memory.count(Columns.STAGED_HEADERS)).isEqualTo(3_000 - 1_024);
    assertThat(stage().deleteObsolete()).isTrue();
    assertThat(memory.count(Columns.STAGED_HEADERS)).isEqualTo(3_000 - 2 * 1_024);
    failNextWrite = true;
    assertThatThrownBy(() -> stage().deleteObsolete()).isInstanceOf(StorageException.class);
    assertStageIsWhole();
    assertThatEachFlippedByteIsFound(Keys.STAGED_OBSOLETE);
    assertThat(stage().deleteObsolete()).isFalse();
    assertNothingIsStaged();
  }

  private void assertThatEachFlippedByteIsFound(byte[] key) {
    byte[] value = Objects.requireNonNull(memory.get(Columns.META, key));
    for (int i = 0; i < value.length; i++) {
      byte[] flipped = value.clone();
      flipped[i] ^= 1;
      put(key, flipped);
      Findings findings = new Findings();
      new StagedCheck(memory, findings, () -> {}, done -> {}, chain.config(), chain.rules()).run();
      assertThat(findings.report().problems())
          .as("byte %s", i)
          .anyMatch(problem -> problem.column().equals("META"));
    }
    put(key, value);
  }

  private void put(byte[] key, byte[] value) {
    WriteSet writes = new WriteSet();
    writes.put(Columns.META, key, value);
    memory.write(writes.toBatch());
  }

  @Test
  void blocksTakeThePlaceOfObsoleteOnes() {
    invalidStage(3_000);
    List<Block> other = branch(chain.head(), 1_000, 1);
    importer.insertWithoutSetHead(other.get(999));
    ((BlockStaging) stage()).staged().maxDeletedAtOnce = 1;
    name(other.get(999));
    assertThat(stage().blocks(1_000, 1)).containsExactly(staged(other.get(999), true));
    assertStageIsWhole();
    fetchHeaders(300);
    assertThat(stage().blocks(500, 1)).as("no body").containsExactly(staged(other.get(499), false));
    assertStageIsWhole();
    ((BlockStaging) stage()).staged().maxDeletedAtOnce = 500;
    int portions = 1;
    while (stage().deleteObsolete()) {
      portions++;
      assertStageIsWhole();
    }
    assertThat(portions).as("what is above 1,000").isEqualTo(2);
    assertThat(memory.count(Columns.STAGED_HEADERS)).isEqualTo(1_000);
    assertThat(memory.count(Columns.STAGED_BODIES)).isEqualTo(1);
    assertThat(importAll()).hasSize(1_000).containsOnly(HEAD);
    assertNothingIsStaged();
  }

  private static Staged staged(Block block, boolean withBody) {
    return new Staged(block.header(), withBody ? block : null);
  }

  @Test
  void aShorterBranchBecomesTheChainAtItsHead() {
    extend(10);
    List<Block> shorter = branch(canonical(2), 5, 1);
    name(last(shorter));
    fetchHeaders(100);
    assertThat(importAll()).containsExactly(ASIDE, ASIDE, ASIDE, ASIDE, HEAD);
    assertThat(chain.head()).isEqualTo(last(shorter));
    assertThat(name(last(shorter))).isEqualTo(new Result.Updated(last(shorter)));
    List<Block> longer = branch(canonical(0), 9, 2);
    name(last(longer));
    fetchHeaders(100);
    List<ImportResult> results = importAll();
    assertThat(results.subList(0, 7)).containsOnly(ASIDE);
    assertThat(results.subList(7, 9)).containsOnly(HEAD);
    assertThat(executions).as("each block once").hasValue(10 + 5 + 9);
    assertNothingIsStaged();
  }

  @Test
  void aBranchThatBeginsFarBelowTheHeadIsExecutedOnce() {
    extend(200);
    List<Block> other = branch(canonical(2), 230, 1);
    name(last(other));
    fetchHeaders(100);
    assertThat(importAll()).hasSize(230).doesNotContain(new ImportResult.Known());
    assertThat(chain.head()).isEqualTo(last(other));
    assertThat(executions)
        .as("each once, but the first twice: it tries the rules")
        .hasValueBetween(430, 431);
  }

  /** The headers of a branch far below the head, and the blocks before those that replace it. */
  private List<Block> deepFork(int length) {
    extend(300);
    List<Block> other = branch(canonical(2), length, 1);
    name(last(other));
    fetchHeaders(512);
    for (int i = 0; i < 298; i++) { // up to the number of the head
      assertThat(stage().importBlock(other.get(i))).isEqualTo(ASIDE);
    }
    assertThat(executions).as("too far below the head to be executed yet").hasValue(300);
    return other;
  }

  /** Runs a task in another thread that gets the import lock next, while the lock is held. */
  private Thread next(Runnable task) {
    Thread thread =
        new Thread(
            () -> {
              imports.lock();
              try {
                task.run();
              } finally {
                imports.unlock();
              }
            });
    thread.start();
    while (!imports.hasQueuedThread(thread)) {
      Thread.onSpinWait();
    }
    return thread;
  }

  /** A download asks for it in each step, while a block of seconds is executed. */
  @Test
  void withoutObsoleteBlocksTheImportLockIsNotWaitedFor() throws Exception {
    imports.lock();
    try {
      CompletableFuture<Boolean> deleted =
          CompletableFuture.supplyAsync(() -> stage().deleteObsolete());
      assertThat(deleted.get(60, TimeUnit.SECONDS)).isFalse();
    } finally {
      imports.unlock();
    }
  }

  @Test
  void othersGetTheImportLockDuringADeepReorg() throws Exception {
    List<Block> other = deepFork(300);
    Block before = chain.head();
    List<Long> seen = new ArrayList<>();
    List<Thread> threads = new ArrayList<>();
    onExecute = number -> threads.add(next(() -> seen.add(chain.head().number())));
    assertThat(stage().importBlock(other.get(298))).isEqualTo(HEAD);
    onExecute = number -> {};
    for (Thread thread : threads) {
      thread.join();
    }
    assertThat(executions).as("the first one twice").hasValue(600);
    assertThat(seen).hasSize(300).contains(236L, 66L, 130L, 194L, 258L, 301L);
    assertThat(seen.stream().filter(number -> number == 301)).hasSizeLessThanOrEqualTo(64);
    assertThat(chain.head()).isEqualTo(other.get(298));
    assertThat(depths).as("of all its calls").containsOnly(0L, before.number() - 2);
    assertThat(importAll()).containsExactly(HEAD);
    assertNothingIsStaged();
  }

  @Test
  void theClientMovesTheHeadDuringADeepReorg() throws Exception {
    List<Block> other = deepFork(300);
    Block before = chain.head();
    List<Thread> threads = new ArrayList<>();
    onExecute =
        number -> {
          if (number == 100) {
            threads.add(next(() -> name(before)));
          }
        };
    assertThat(stage().importBlock(other.get(298))).isEqualTo(new ImportResult.Known());
    threads.get(0).join();
    assertThat(chain.head()).isEqualTo(before);
    assertThat(stage().wanted()).isNull();
    onExecute = number -> {};
    name(last(other));
    assertThat(importAll()).containsExactly(HEAD, HEAD);
    assertNothingIsStaged();
  }

  @Test
  void aDeepReorgToAnInvalidBranchChangesNothing() {
    extend(300);
    List<Block> other = new ArrayList<>(branch(canonical(2), 150, 1));
    Block wrong = child(last(other), 1, 1);
    all.put(wrong.hash(), wrong);
    other.add(wrong);
    other.addAll(branch(wrong, 149, 1));
    name(last(other));
    fetchHeaders(512);
    Block before = chain.head();
    List<ImportResult> results = importAll();
    assertThat(results).hasSize(299);
    assertThat(last(results)).isInstanceOf(ImportResult.Invalid.class);
    assertThat(chain.head()).isEqualTo(before);
    assertThat(canonical(250).header().timestamp()).as("a block of before").isEqualTo(250_000);
    assertThat(name(last(other)))
        .isInstanceOfSatisfying(
            Result.Invalid.class,
            i -> assertThat(i.latestValidHash()).isEqualTo(other.get(149).hash()));
    assertNothingIsStaged();
    extend(1);
  }

  @Test
  void aDeepReorgGoesOnWhenABundleIsBackAndBackWhenAWriteFails() {
    List<Block> other = deepFork(300);
    Block before = chain.head();
    onExecute =
        number -> {
          if (number == 200) {
            throw new NotReadyException("it is being replaced");
          }
        };
    assertThatThrownBy(() -> stage().importBlock(other.get(298)))
        .isInstanceOf(NotReadyException.class);
    assertThat(chain.head()).isEqualTo(other.get(193 - 2));
    onExecute =
        number -> {
          if (number == 200) {
            failNextWrite = true;
            onExecute = next -> {};
          }
        };
    assertThatThrownBy(() -> stage().importBlock(other.get(298)))
        .isInstanceOf(StorageException.class);
    assertThat(chain.head()).isEqualTo(before);
    assertThat(importAll()).containsExactly(HEAD, HEAD);
    assertNothingIsStaged();
  }

  private Result name(Block head, Hash safe, Hash finalized) {
    return pipeline.forkChoice().update(head.hash(), safe, finalized);
  }

  private static void assertInconsistent(Result result, String which) {
    assertThat(result)
        .isInstanceOfSatisfying(
            Result.Inconsistent.class, i -> assertThat(i.reason()).contains(which));
  }

  @Test
  void theNamedHeadIsSetWithItsSafeAndFinalizedBlock() {
    extend(3);
    List<Block> blocks = branch(chain.head(), 20, 0);
    Hash safe = blocks.get(15).hash();
    Hash finalized = canonical(2).hash();
    assertThat(name(last(blocks), safe, finalized)).isEqualTo(new Result.Syncing());
    fetchHeaders(100);
    for (Block block : blocks.subList(0, 19)) {
      assertThat(stage().importBlock(block)).isEqualTo(HEAD);
    }
    assertThat(chain.safe()).as("before the named head").isNull();
    assertThat(importAll()).containsExactly(HEAD);
    assertThat(Objects.requireNonNull(chain.safe()).hash()).isEqualTo(safe);
    assertThat(Objects.requireNonNull(chain.finalized()).hash()).isEqualTo(finalized);
  }

  @Test
  void aHeadWhoseChainLacksTheFinalizedBlockIsRefusedBeforeAnythingChanges() {
    extend(10);
    Block before = chain.head();
    List<Block> other = branch(canonical(2), 20, 1);
    Hash removed = canonical(5).hash();
    Hash unknown = Hash.keccak(new byte[] {1});
    for (Hash outside : List.of(removed, unknown)) {
      name(last(other), Hash.ZERO, outside);
      fetchHeaders(100);
      List<ImportResult> results = importAll();
      assertThat(last(results)).isInstanceOf(ImportResult.Invalid.class);
      assertThat(results.subList(0, results.size() - 1)).doesNotContain(HEAD);
      assertThat(chain.head()).isEqualTo(before);
      assertThat(stage().wanted()).isNull();
      assertInconsistent(name(last(other), Hash.ZERO, outside), "finalized block " + outside);
      assertThat(stage().wanted()).as("nothing is downloaded for it").isNull();
      assertThat(name(last(other), outside, Hash.ZERO)).isEqualTo(new Result.Syncing());
      assertThat(last(importAll())).isInstanceOf(ImportResult.Invalid.class);
      assertInconsistent(name(last(other), outside, Hash.ZERO), "safe block " + outside);
    }
    Hash inside = other.get(19).hash();
    name(last(other), inside, canonical(2).hash());
    assertThat(importAll()).hasSize(12).containsOnly(HEAD);
    assertThat(name(last(other), inside, inside)).isEqualTo(new Result.Updated(last(other)));
    assertNothingIsStaged();
  }

  @Test
  void aFinalizedBlockFarBelowTheHeadIsComparedAtTheEnd() {
    List<Block> blocks = branch(chain.head(), 30, 0);
    ((BlockStaging) stage()).maxSearched = 4;
    Hash inside = blocks.get(3).hash();
    Hash unknown = Hash.keccak(new byte[] {1});
    name(last(blocks), inside, unknown);
    fetchHeaders(100);
    List<ImportResult> results = importAll();
    assertThat(results.subList(0, 29)).containsOnly(HEAD);
    assertThat(results.get(29)).isEqualTo(ASIDE);
    assertThat(chain.head()).isEqualTo(blocks.get(28));
    assertThat(chain.safe()).isNull();
    assertNothingIsStaged();
    assertInconsistent(name(last(blocks), inside, unknown), "finalized block " + unknown);
    assertThat(name(last(blocks), inside, inside)).isEqualTo(new Result.Updated(last(blocks)));
    assertThat(executions).hasValue(30);
  }

  @Test
  void blocksBeforeAnEarlierHeadDoNotReplaceTheFinalizedOne() {
    extend(10);
    Block before = chain.head();
    List<Block> other = branch(canonical(2), 20, 1);
    name(last(other));
    fetchHeaders(100);
    List<Block> next = branch(chain.head(), 5, 2);
    name(last(next), Hash.ZERO, canonical(5).hash());
    for (Block block : other.subList(0, 8)) {
      assertThat(stage().importBlock(block)).isEqualTo(ASIDE);
    }
    assertThat(stage().importBlock(other.get(8))).isEqualTo(new ImportResult.UnknownParent());
    assertThat(chain.head()).isEqualTo(before);
    assertThat(stage().linked()).isNull();
    fetchHeaders(100);
    assertThat(importAll()).hasSize(5).containsOnly(HEAD);
    assertThat(Objects.requireNonNull(chain.finalized())).isEqualTo(canonical(5));
  }

  @Test
  void blocksThatAreHandedOverMeanwhileAreNotExecutedAgain() {
    List<Block> blocks = branch(chain.head(), 10, 0);
    name(last(blocks));
    fetchHeaders(100);
    for (Block block : blocks.subList(0, 3)) {
      assertThat(importer.insertWithoutSetHead(block)).isEqualTo(new PayloadStatus.Valid());
    }
    assertThat(name(blocks.get(2))).isEqualTo(new Result.Updated(blocks.get(2)));
    assertThat(stage().wanted()).as("the client has named a head that is here").isNull();
    assertThat(stage().importBlock(blocks.get(0))).isEqualTo(new ImportResult.Known());
    name(last(blocks));
    List<ImportResult> results = importAll();
    assertThat(results.subList(0, 3)).containsOnly(new ImportResult.Known());
    assertThat(results.subList(3, 10)).containsOnly(HEAD);
    assertThat(executions).hasValue(10);
    assertNothingIsStaged();
  }

  @Test
  void aBodyThatIsDamagedIsFetchedAgain() {
    List<Block> blocks = branch(chain.head(), 3, 0);
    name(last(blocks));
    fetchHeaders(100);
    stage().addBodies(blocks);
    WriteSet damage = new WriteSet();
    damage.put(Columns.STAGED_BODIES, Keys.number(2), new byte[] {(byte) 0xc1, 1});
    memory.write(damage.toBatch());
    assertThat(stage().blocks(1, 3))
        .extracting(Staged::block)
        .containsExactly(blocks.get(0), null, blocks.get(2));
    stage().addBodies(blocks);
    assertThat(stage().blocks(2, 1)).extracting(Staged::block).containsExactly(blocks.get(1));
  }

  @Test
  void aFailedWriteLosesNothing() {
    List<Block> blocks = branch(chain.head(), 10, 0);
    name(last(blocks));
    failNextWrite = true;
    assertThatThrownBy(() -> stage().addHeaders(down(blocks))).isInstanceOf(StorageException.class);
    fetchHeaders(4);
    failNextWrite = true;
    assertThatThrownBy(() -> stage().addBodies(blocks)).isInstanceOf(StorageException.class);
    failNextWrite = true;
    assertThatThrownBy(() -> stage().importBlock(blocks.get(0)))
        .isInstanceOf(StorageException.class);
    assertThat(wanted().lowest()).isEqualTo(1);
    assertThat(importAll()).hasSize(10).containsOnly(HEAD);
    assertNothingIsStaged();
  }

  @Test
  void aBranchWhoseNumbersAreWrongIsInvalid() {
    Block first = branch(chain.head(), 1, 0).get(0);
    Block gap =
        new Block(
            child(first, 0).header().toBuilder().number(7).build(), List.of(), List.of(), null);
    importer.insertWithoutSetHead(gap);
    name(gap);
    stage().addHeaders(List.of(first.header()));
    assertThat(name(gap))
        .isInstanceOfSatisfying(
            Result.Invalid.class, i -> assertThat(i.reason()).contains("number", "7", "1"));
    assertNothingIsStaged();
  }

  /** Its parent is the top of what is here, whose number is another one. */
  @Test
  void aWrongNumberOnTopOfWhatIsHereLeavesNoHole() {
    List<Block> blocks = branch(chain.head(), 50, 0);
    name(last(blocks));
    fetchHeaders(100);
    for (long number : new long[] {100, 30}) {
      Block wrong =
          new Block(
              child(last(blocks), 0).header().toBuilder().number(number).build(),
              List.of(),
              List.of(),
              null);
      assertThat(importer.insertWithoutSetHead(wrong)).isEqualTo(new PayloadStatus.Syncing());
      assertThat(name(wrong)).isEqualTo(new Result.Syncing());
      assertThat(wanted().missing()).isEqualTo(last(blocks).hash());
      stage().addHeaders(List.of(last(blocks).header()));
      assertThat(name(wrong))
          .isInstanceOfSatisfying(
              Result.Invalid.class, i -> assertThat(i.latestValidHash()).isNull());
    }
    name(last(blocks));
    fetchHeaders(100);
    assertThat(importAll()).hasSize(50).containsOnly(HEAD);
    assertNothingIsStaged();
  }

  @Test
  void aBranchBelowTheOldestStateIsTooDeep() {
    open(128);
    extend(300);
    List<Block> other = branch(canonical(100), 5, 1);
    Block head = last(other);
    name(head);
    fetchHeaders(100);
    assertThat(importAll()).hasSize(1).allMatch(ImportResult.Invalid.class::isInstance);
    assertThat(name(head))
        .isInstanceOfSatisfying(
            Result.TooDeep.class, t -> assertThat(t.reason()).contains("100", "states"));
    assertNothingIsStaged();
    Block next = branch(chain.head(), 1, 2).get(0);
    assertThat(importer.insertWithoutSetHead(next)).isEqualTo(new PayloadStatus.Valid());
    assertThat(name(next)).isEqualTo(new Result.Updated(next));
  }

  @Test
  void aBranchOfAnotherGenesisIsInvalid() {
    Block genesis =
        new Block(
            chain.genesis().header().toBuilder().timestamp(1).build(), List.of(), List.of(), null);
    all.put(genesis.hash(), genesis);
    Block head = last(branch(genesis, 5, 0));
    name(head);
    fetchHeaders(3);
    assertThat(name(head))
        .isInstanceOfSatisfying(
            Result.Invalid.class, i -> assertThat(i.reason()).contains("genesis"));
    assertNothingIsStaged();
  }

  @Test
  void payloadsWhoseParentIsMissingAreBounded() {
    List<Block> blocks = branch(chain.head(), 100, 0);
    blocks.subList(1, 100).forEach(importer::insertWithoutSetHead);
    name(last(blocks));
    assertThat(wanted().lowest())
        .as("the latest ones are kept")
        .isEqualTo(100 - UnlinkedPayloads.MAX_BLOCKS + 1);
    assertThat(stage().blocks(0, 999)).extracting(Staged::block).doesNotContainNull();
  }

  /**
   * Heads on random branches of a tree, headers in random portions, imports, restarts, failures.
   */
  @Test
  void randomHeadsAreReached() {
    Random random = new Random(1);
    List<Block> tree = new ArrayList<>(List.of(chain.genesis()));
    for (int i = 0; i < 400; i++) {
      Block parent = tree.get(Math.max(0, tree.size() - 1 - random.nextInt(12)));
      tree.add(branch(parent, 1, i).get(0));
    }
    int reached = 0;
    for (int round = 0; round < 300; round++) {
      ((BlockStaging) stage()).staged().maxDeletedAtOnce = 2;
      Block head = tree.get(random.nextInt(tree.size() - 1) + 1);
      if (random.nextBoolean()) {
        importer.insertWithoutSetHead(head);
      }
      Result result = name(head);
      for (int step = random.nextInt(60); step > 0 && result instanceof Result.Syncing; step--) {
        act(random);
        result = name(head);
      }
      assertThat(result).as("round %s", round).isNotInstanceOf(Result.Invalid.class);
      reached += result instanceof Result.Updated ? 1 : 0;
      List<StagedBlocks.Segment> segments = StagedBlocks.segments(memory);
      assertThat(segments).hasSizeLessThanOrEqualTo(StagedBlocks.MAX_SEGMENTS);
      Findings findings = new Findings();
      new StagedCheck(memory, findings, () -> {}, done -> {}, chain.config(), chain.rules()).run();
      assertThat(findings.report().problems()).isEmpty();
    }
    assertThat(reached).isGreaterThan(100);
  }

  private void act(Random random) {
    Wanted wanted = wanted();
    int choice = random.nextInt(20);
    if (choice == 0) {
      open(Long.MAX_VALUE);
    } else if (choice == 1) {
      failNextWrite = true;
    }
    try {
      if (wanted.missing() != null) {
        List<BlockHeader> headers = new ArrayList<>();
        Block next = all.get(wanted.missing());
        for (int i = random.nextInt(6); i >= 0 && next != null; i--) {
          headers.add(next.header());
          next = all.get(next.header().parentHash());
        }
        stage().addHeaders(headers);
      } else {
        List<Block> blocks =
            stage().blocks(wanted.lowest(), 8).stream()
                .map(staged -> all.get(staged.header().computeHash()))
                .toList();
        stage().addBodies(blocks);
        if (!blocks.isEmpty()) {
          stage().importBlock(blocks.get(0));
        }
      }
      if (random.nextBoolean()) {
        stage().deleteObsolete();
      }
    } catch (StorageException failure) {
      // as the test has said
    }
    failNextWrite = false;
  }
}
