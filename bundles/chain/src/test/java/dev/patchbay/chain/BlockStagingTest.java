// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.chain;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.patchbay.api.chain.BlockStage;
import dev.patchbay.api.chain.BlockStage.Staged;
import dev.patchbay.api.chain.BlockStage.Wanted;
import dev.patchbay.api.chain.ChainListener;
import dev.patchbay.api.chain.ForkChoice.Result;
import dev.patchbay.api.chain.ImportResult;
import dev.patchbay.api.chain.PayloadStatus;
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
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** Blocks between the chain and a head that a consensus client names. */
class BlockStagingTest extends ChainFixture {
  private static final ImportResult HEAD = new ImportResult.Imported(true);
  private static final ImportResult ASIDE = new ImportResult.Imported(false);

  private final Map<Hash, Block> all = new HashMap<>();
  private final AtomicInteger requests = new AtomicInteger();
  private final List<Long> heads = new ArrayList<>();

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
          public void headRequested() {
            requests.incrementAndGet();
          }
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
        .isEqualTo(100 - OfferedBlocks.MAX_BLOCKS + 1);
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
    } catch (StorageException failure) {
      // as the test has said
    }
    failNextWrite = false;
  }
}
