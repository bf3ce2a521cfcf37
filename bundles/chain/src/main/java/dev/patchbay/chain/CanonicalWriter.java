// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.chain;

import dev.patchbay.api.storage.KeyReader;
import dev.patchbay.api.storage.KeyValueStore;
import dev.patchbay.binding.Failures;
import dev.patchbay.chain.BlockProcessor.ExecutedReorg;
import dev.patchbay.chain.ExecutedBlocks.ExecutedBlock;
import dev.patchbay.primitives.Block;
import dev.patchbay.primitives.UInt256;
import java.util.List;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Makes blocks canonical, and stores side blocks. Threading: under the import lock. */
final class CanonicalWriter {
  private static final Logger LOG = LoggerFactory.getLogger(CanonicalWriter.class);

  /**
   * How many blocks one batch removes, or adds, which bounds its memory. All of them are valid; a
   * longer reorg takes several batches.
   */
  static final int MAX_BLOCKS_PER_BATCH = 64;

  private final Chain chain;
  private final BlockProcessor processor;
  private final HeadNotifier notifier;
  private final Failures afterwards = new Failures("following a new head", LOG::warn, LOG::info);

  CanonicalWriter(Chain chain, BlockProcessor processor, HeadNotifier notifier) {
    this.chain = chain;
    this.processor = processor;
    this.notifier = notifier;
  }

  /** Returns the total difficulty of a block whose parent is stored. */
  static UInt256 totalDifficulty(KeyReader store, Block block) {
    UInt256 parent = ChainStore.totalDifficulty(store, block.header().parentHash());
    return (parent == null ? UInt256.ZERO : parent).add(block.header().difficulty());
  }

  /**
   * Stores a block that does not become the head now.
   *
   * @param executed whether it was executed and is valid; false when only its header and body were
   *     verified
   */
  void storeSideBlock(KeyReader store, Block block, boolean executed) {
    WriteSet writes = new WriteSet();
    ChainStore.putSideBlock(writes, block, totalDifficulty(store, block));
    chain.sideBlocks().add(writes, block.number(), block.hash(), executed);
    chain.storage().write(writes.toBatch());
  }

  /**
   * Applies a reorg in one batch.
   *
   * @param tags other writes of the batch
   * @param depth how many blocks all batches of the reorg remove
   */
  private void apply(
      KeyValueStore store, Reorg reorg, ExecutedReorg executed, WriteSet tags, long depth) {
    Block target = reorg.target();
    StateOverlay overlay = executed.atAncestor();
    SideBlocks sideBlocks = chain.sideBlocks();
    List<Block> removed = reorg.removed(store);
    for (Block old : removed) {
      ChainStore.removeCanonical(overlay.writes(), old);
      sideBlocks.add(overlay.writes(), old.number(), old.hash(), true);
    }
    boolean alone = removed.isEmpty() && executed.blocks().size() == 1;
    WriteSet writes = alone ? executed.blocks().get(0).writes() : overlay.writes();
    processor.release(executed.blocks(), target);
    for (ExecutedBlock next : executed.blocks()) {
      Block block = next.block();
      if (!alone) {
        writes.addAll(next.writes());
      }
      ChainStore.putCanonical(writes, block);
      if (ChainStore.totalDifficulty(store, block.hash()) == null) {
        UInt256 difficulty = totalDifficulty(new StateOverlay(store, writes), block);
        ChainStore.putSideBlock(writes, block, difficulty);
      } else {
        sideBlocks.remove(writes, block.number(), block.hash());
      }
    }
    writes.addAll(tags);
    List<Block> added = executed.blocks().stream().map(ExecutedBlock::block).toList();
    chain
        .writer()
        .setCanonicalHead(store, writes, target, reorg.commonAncestor(), !removed.isEmpty());
    // the head has moved: nothing from here on may fail the import
    afterwards.run(() -> cacheAndLog(executed, removed, added, target));
    afterwards.run(() -> notifier.moved(store, reorg.head(), target, removed, added, depth));
  }

  private void cacheAndLog(
      ExecutedReorg executed, List<Block> removed, List<Block> added, Block target) {
    executed.blocks().forEach(next -> chain.blocks().cacheBlock(next.block(), next.receipts()));
    if (added.isEmpty()) {
      LOG.info("rewound head by {} blocks to {}", removed.size(), target);
    } else if (!removed.isEmpty()) {
      LOG.info(
          "reorg: {} blocks removed, {} added, head is {}", removed.size(), added.size(), target);
    }
  }

  /**
   * Applies a reorg in as many batches as it needs. One batch is written whole or not at all. When
   * one of several fails, the head goes back to where it was: a reorg that fails changes nothing.
   * Only when that fails as well, the head is the head of the last batch.
   *
   * @param tags other writes of the last batch
   * @throws InvalidBranchException when an added block is not valid, or was rejected before
   */
  void reorganize(KeyValueStore store, Reorg reorg, WriteSet tags) throws InvalidBranchException {
    processor.requireNotRejected(reorg);
    if (reorg.added().isEmpty() || !isLong(reorg)) {
      applyInBatches(store, reorg, tags);
      return;
    }
    if (isDeep(reorg)) {
      processor.executeFirst(store, reorg);
    }
    try {
      applyInBatches(store, reorg, tags);
    } catch (Throwable failure) { // also an error of a bundle that is being replaced
      restore(store, reorg.head());
      throw failure;
    }
  }

  /** Moves the head back to a block that it was at before. */
  private void restore(KeyValueStore store, Block before) {
    try {
      Block now = chain.head();
      if (!now.hash().equals(before.hash())) {
        LOG.warn("a reorg failed: the head moves from {} to {} again", now, before);
        Reorg back = ChainStore.required(processor.planner().plan(store, now, before));
        applyInBatches(store, back, new WriteSet());
      }
    } catch (Throwable failure) { // the caller throws the first failure
      LOG.error("the head does not move to {} again: {}", before, failure.toString(), failure);
    }
  }

  /** Applies a reorg in batches; a node that ends in between opens with the last batch's head. */
  private void applyInBatches(KeyValueStore store, Reorg reorg, WriteSet tags)
      throws InvalidBranchException {
    Reorg rest = reorg;
    while (isLong(rest)) {
      rest = applyBatch(store, rest, reorg.depth());
    }
    apply(store, rest, processor.execute(store, rest), tags, reorg.depth());
  }

  /** Returns whether a reorg removes more blocks than one batch. */
  static boolean isDeep(Reorg reorg) {
    return reorg.depth() > MAX_BLOCKS_PER_BATCH;
  }

  /** Returns whether a reorg takes more than one batch. */
  static boolean isLong(Reorg reorg) {
    return isDeep(reorg) || reorg.added().size() > MAX_BLOCKS_PER_BATCH;
  }

  /**
   * Applies the first batch of a long reorg; returns the rest.
   *
   * @param depth how many blocks all batches of the reorg remove
   */
  Reorg applyBatch(KeyValueStore store, Reorg reorg, long depth) throws InvalidBranchException {
    if (isDeep(reorg)) {
      return rewindBatch(store, reorg, depth);
    }
    Block next = ChainStore.requireBlock(store, reorg.added().get(MAX_BLOCKS_PER_BATCH - 1));
    Reorg first =
        new Reorg(
            reorg.head(),
            reorg.added().subList(0, MAX_BLOCKS_PER_BATCH),
            reorg.commonAncestor(),
            next);
    apply(store, first, processor.execute(store, first), new WriteSet(), depth);
    return new Reorg(
        next,
        reorg.added().subList(MAX_BLOCKS_PER_BATCH, reorg.added().size()),
        next.number(),
        reorg.target());
  }

  /** Makes an ancestor the head. */
  void rewindTo(KeyValueStore store, Reorg reorg) {
    Reorg rest = reorg;
    while (isDeep(rest)) {
      rest = rewindBatch(store, rest, reorg.depth());
    }
    apply(store, rest, processor.unwind(store, rest), new WriteSet(), reorg.depth());
  }

  /** Makes an ancestor the head on the way to the common ancestor; returns the rest. */
  private Reorg rewindBatch(KeyValueStore store, Reorg reorg, long depth) {
    long number = reorg.head().number() - MAX_BLOCKS_PER_BATCH;
    Block next =
        ChainStore.requireBlock(store, ChainStore.required(ChainStore.canonical(store, number)));
    Reorg step = new Reorg(reorg.head(), List.of(), number, next);
    apply(store, step, processor.unwind(store, step), new WriteSet(), depth);
    return new Reorg(next, reorg.added(), reorg.commonAncestor(), reorg.target());
  }
}
