// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.chain;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.patchbay.api.chain.BlockRetention;
import dev.patchbay.api.chain.PrunedException;
import dev.patchbay.api.storage.Column;
import dev.patchbay.api.storage.KeyValueStore;
import dev.patchbay.chain.HistoryPruner.Oldest;
import dev.patchbay.chain.HistoryPruner.Windows;
import dev.patchbay.primitives.Block;
import dev.patchbay.primitives.BlockHeader;
import dev.patchbay.primitives.Hash;
import dev.patchbay.primitives.UInt256;
import dev.patchbay.storage.memory.MemoryBackend;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.slf4j.helpers.MessageFormatter;

/** What a head's move prunes from a store, and what the configuration may ask for. */
class HistoryPrunerTest {
  private static final int HEAD = 60;
  private static final long ALL = Long.MAX_VALUE;

  private final KeyValueStore store =
      new MemoryBackend().open(Path.of("memory"), Columns.ALL, true);
  private final TrieWorkers workers = new TrieWorkers(0);
  private final List<Block> blocks = new ArrayList<>();
  private final List<String> logged = new ArrayList<>();

  @AfterEach
  void close() {
    workers.close();
  }

  private HistoryPruner pruner(Windows windows) {
    HistoryPruner pruner =
        new HistoryPruner(
            windows,
            (format, arguments) ->
                logged.add(MessageFormatter.arrayFormat(format, arguments).getMessage()));
    pruner.open(store, HEAD);
    return pruner;
  }

  /** WriteSet canonical blocks 0 to {@link #HEAD}, each with a transaction and a change set. */
  private void fill() {
    StateOverlay overlay = new StateOverlay(store);
    Hash parent = Hash.ZERO;
    for (long number = 0; number <= HEAD; number++) {
      Block block =
          new Block(
              BlockHeader.builder().parentHash(parent).number(number).build(),
              List.of(PrunedChain.transaction(number, 0)),
              List.of(),
              null);
      ChainStore.putBlock(
          overlay.writes(), block, PrunedChain.receipts(number), UInt256.of(number));
      ChainStore.putCanonical(overlay.writes(), block);
      if (number > 0) {
        overlay.put(Columns.CHANGES, Keys.number(number), new byte[] {(byte) 0xc2, -64, -64});
      }
      blocks.add(block);
      parent = block.hash();
    }
    store.write(overlay.writes().toBatch());
  }

  private Oldest prune(HistoryPruner pruner, long added) {
    StateOverlay overlay = new StateOverlay(store);
    Oldest next = pruner.prune(overlay, HEAD, HEAD - added);
    store.write(overlay.writes().toBatch());
    pruner.set(next);
    return next;
  }

  /** Returns the numbers of the blocks that have an entry in a column. */
  private List<Long> numbers(Column column) {
    List<Long> out = new ArrayList<>();
    for (Block block : blocks) {
      byte[] key =
          column == Columns.CHANGES
              ? Keys.number(block.number())
              : column == Columns.TRANSACTIONS
                  ? block.transactions().get(0).hash().toArray()
                  : block.hash().toArray();
      if (store.get(column, key) != null) {
        out.add(block.number());
      }
    }
    return out;
  }

  private static List<Long> genesisAnd(long first) {
    List<Long> out = new ArrayList<>(List.of(0L));
    out.addAll(from(first));
    return out;
  }

  private static List<Long> from(long first) {
    List<Long> out = new ArrayList<>();
    for (long number = first; number <= HEAD; number++) {
      out.add(number);
    }
    return out;
  }

  @Test
  void nothingIsPrunedWhileAllIsKept() {
    fill();
    HistoryPruner pruner = pruner(Windows.ALL);
    assertThat(prune(pruner, 1)).isEqualTo(new Oldest(1, 1, 1));
    assertThat(numbers(Columns.BODIES)).isEqualTo(from(0));
    assertThat(numbers(Columns.RECEIPTS)).isEqualTo(from(0));
    assertThat(numbers(Columns.TRANSACTIONS)).isEqualTo(from(0));
    assertThat(numbers(Columns.CHANGES)).isEqualTo(from(1));
    assertThat(store.isEmpty(Columns.META)).isTrue();
    assertThat(pruner.retention()).isEqualTo(BlockRetention.ALL);
  }

  @Test
  void eachKindIsPrunedToItsWindowStepByStep() {
    fill();
    HistoryPruner pruner = pruner(new Windows(10, 50, 30));
    // 16 and one that the move adds: all but the bodies are still far from their windows
    assertThat(prune(pruner, 1)).isEqualTo(new Oldest(18, 11, 18));
    assertThat(numbers(Columns.CHANGES)).isEqualTo(from(18));
    assertThat(numbers(Columns.TRANSACTIONS)).isEqualTo(genesisAnd(18));
    assertThat(numbers(Columns.BODIES)).isEqualTo(genesisAnd(11));
    assertThat(numbers(Columns.RECEIPTS)).isEqualTo(genesisAnd(11));
    assertThat(prune(pruner, 0)).isEqualTo(new Oldest(34, 11, 31));
    assertThat(prune(pruner, 17)).isEqualTo(new Oldest(51, 11, 31));
    assertThat(prune(pruner, 17)).isEqualTo(new Oldest(51, 11, 31));
    assertThat(numbers(Columns.CHANGES)).isEqualTo(from(51));
    assertThat(numbers(Columns.TRANSACTIONS)).isEqualTo(genesisAnd(31));
    assertThat(numbers(Columns.BODIES)).isEqualTo(genesisAnd(11));
    assertThat(store.count(Columns.HEADERS)).isEqualTo(HEAD + 1);
    assertThat(store.count(Columns.CANONICAL)).isEqualTo(HEAD + 1);
    assertThat(pruner.retention()).isEqualTo(new BlockRetention(11, 50L, 31, 30L));
    assertThat(pruner(Windows.ALL).oldest()).as("as stored").isEqualTo(new Oldest(51, 11, 31));
  }

  @Test
  void aBodyStaysUntilItsTransactionsHaveLeftTheIndex() {
    fill();
    HistoryPruner pruner = pruner(new Windows(ALL, 20, 20));
    assertThat(prune(pruner, 0)).isEqualTo(new Oldest(1, 17, 17));
    assertThat(numbers(Columns.BODIES)).isEqualTo(genesisAnd(17));
    assertThat(numbers(Columns.TRANSACTIONS)).isEqualTo(genesisAnd(17));
    assertThat(numbers(Columns.CHANGES)).isEqualTo(from(1));
  }

  /** Listeners read the blocks that a move adds after it. */
  @Test
  void whatAMoveAddsStays() {
    fill();
    HistoryPruner pruner = pruner(new Windows(20, 20, 20));
    assertThat(prune(pruner, 50)).isEqualTo(new Oldest(41, 11, 11));
    assertThat(numbers(Columns.BODIES)).isEqualTo(genesisAnd(11));
    assertThat(numbers(Columns.TRANSACTIONS)).isEqualTo(genesisAnd(11));
    assertThat(prune(pruner, 55)).as("nothing comes back").isEqualTo(new Oldest(41, 11, 11));
    assertThat(prune(pruner, 14)).isEqualTo(new Oldest(41, 41, 41));
    assertThat(numbers(Columns.BODIES)).isEqualTo(genesisAnd(41));
  }

  /** An entry of the index that names another block than the one that is pruned. */
  @Test
  void anEntryOfAnotherBlockStays() {
    fill();
    Hash moved = blocks.get(5).transactions().get(0).hash();
    WriteSet writes = new WriteSet();
    writes.put(
        Columns.TRANSACTIONS, moved.toArray(), ChainStore.encodeLocation(blocks.get(40).hash(), 0));
    store.write(writes.toBatch());
    prune(pruner(new Windows(ALL, ALL, 50)), 1);
    List<Long> left = genesisAnd(11);
    left.add(1, 5L);
    assertThat(numbers(Columns.TRANSACTIONS)).isEqualTo(left);
  }

  @Test
  void aBlockWithoutABodyIsPassed() {
    fill();
    WriteSet writes = new WriteSet();
    writes.delete(Columns.BODIES, blocks.get(5).hash().toArray());
    store.write(writes.toBatch());
    prune(pruner(new Windows(ALL, 50, 50)), 1);
    assertThat(numbers(Columns.BODIES)).isEqualTo(genesisAnd(11));
  }

  @Test
  void aWindowThatWasMadeLargerIsReportedOnce() {
    fill();
    HistoryPruner small = pruner(new Windows(20, 30, 25));
    for (int moves = 0; moves < 3; moves++) {
      prune(small, 1);
    }
    assertThat(small.oldest()).isEqualTo(new Oldest(41, 31, 36));
    assertThat(logged).isEmpty();
    pruner(new Windows(20, 30, 25));
    assertThat(logged).as("the same windows").isEmpty();
    HistoryPruner large = pruner(new Windows(20, 40, ALL));
    List<String> expected =
        List.of(
            "history.blocks asks for more blocks than have bodies and receipts: those before block"
                + " 31 have been pruned and do not come back; the window fills up with the blocks to"
                + " come",
            "history.transactions asks for more blocks than have entries in the transaction index:"
                + " those before block 36 have been pruned and do not come back; the window fills up"
                + " with the blocks to come");
    assertThat(logged).isEqualTo(expected);
    large.open(store, HEAD); // after an error, or a migration
    assertThat(logged).isEqualTo(expected);
    assertThat(prune(large, 1)).isEqualTo(new Oldest(41, 31, 36));
  }

  @Test
  void theWindowsOfAConfiguration() {
    assertThat(Windows.of(0, 0, 0)).isEqualTo(Windows.ALL);
    assertThat(Windows.of(128, 128, 128)).isEqualTo(new Windows(128, 128, 128));
    assertThat(Windows.of(0, 500, 0))
        .as("an index of all bodies")
        .isEqualTo(new Windows(ALL, 500, 500));
    assertThat(Windows.of(300, 0, 128)).isEqualTo(new Windows(300, ALL, 128));
    assertThat(Windows.of(0, 0, 128)).isEqualTo(new Windows(ALL, ALL, 128));
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "127|0|0|history is 127, it must be 0 for all or at least 128",
        "0|127|0|history.blocks is 127, it must be 0 for all or at least 128",
        "0|0|127|history.transactions is 127, it must be 0 for all or at least 128",
        "-1|0|0|history is -1, it must be 0 for all or at least 128",
        "300|299|0|history.blocks is 299, it must be 0 for all or at least history, which is 300",
        "0|200|201|history.transactions is 201, it must be 0 or at most history.blocks, which is 200",
      })
  void aConfigurationOutOfRangeIsRefused(
      long history, long blocks, long transactions, String message) {
    assertThatThrownBy(() -> Windows.of(history, blocks, transactions))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageStartingWith("dev.patchbay.chain: " + message);
  }

  @Test
  void aRangeIsAvailableOrNamesItsFirstPrunedBlock() {
    BlockRetention retention = new BlockRetention(31, 30L, 31, 30L);
    retention.requireRange(31, 60);
    retention.requireRange(0, 0);
    retention.requireRange(40, 10);
    assertThat(retention.isPruned(0)).isFalse();
    assertThat(retention.isPruned(30)).isTrue();
    assertThat(retention.isPruned(31)).isFalse();
    assertThatThrownBy(() -> retention.requireRange(0, 1))
        .isInstanceOf(PrunedException.class)
        .hasMessage(
            "pruned history unavailable: block 1 has been pruned, blocks are available from block"
                + " 31 on");
    assertThatThrownBy(() -> retention.requireRange(30, 60)).isInstanceOf(PrunedException.class);
    BlockRetention.ALL.requireRange(0, 60);
  }
}
