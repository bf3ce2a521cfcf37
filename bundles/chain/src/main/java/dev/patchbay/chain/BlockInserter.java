// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.chain;

import dev.patchbay.api.chain.BlockImporter;
import dev.patchbay.api.chain.FutureBlockException;
import dev.patchbay.api.chain.HeaderReader;
import dev.patchbay.api.chain.ImportResult;
import dev.patchbay.api.chain.InvalidBlockException;
import dev.patchbay.api.chain.PayloadStatus;
import dev.patchbay.api.chain.SettledException;
import dev.patchbay.api.storage.KeyReader;
import dev.patchbay.api.storage.KeyValueStore;
import dev.patchbay.api.storage.StorageException;
import dev.patchbay.api.storage.StoreLease;
import dev.patchbay.chain.BadBlocks.Rejection;
import dev.patchbay.chain.BlockProcessor.Effects;
import dev.patchbay.primitives.Block;
import dev.patchbay.primitives.BlockHeader;
import dev.patchbay.primitives.Receipt;
import dev.patchbay.primitives.UInt256;
import dev.patchbay.primitives.execution.StateChanges;
import java.util.List;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/** Verifies, executes and stores blocks. Threading: any thread; one block at a time. */
final class BlockInserter implements BlockImporter {
  private final Chain chain;
  private final ReentrantLock imports;
  private final BlockVerifier verifier;
  private final BlockProcessor processor;
  private final CanonicalWriter writer;
  private final BadBlocks bad;
  private final Consumer<Block> unlinked;

  /**
   * Creates an importer.
   *
   * @param unlinked takes payloads of a consensus client whose parents are missing
   */
  BlockInserter(
      Chain chain,
      ReentrantLock imports,
      BlockProcessor processor,
      CanonicalWriter writer,
      BadBlocks bad,
      Consumer<Block> unlinked) {
    this.chain = chain;
    this.imports = imports;
    this.verifier = new BlockVerifier(chain);
    this.processor = processor;
    this.writer = writer;
    this.bad = bad;
    this.unlinked = unlinked;
  }

  @Override
  public void verifyHeader(BlockHeader header, BlockHeader parent, HeaderReader ancestors)
      throws InvalidBlockException {
    verifier.verifyHeader(header, parent, ancestors);
  }

  @Override
  public boolean isImporting() {
    return imports.isLocked() && !imports.isHeldByCurrentThread();
  }

  @Override
  public long executedBlocks() {
    return processor.executions();
  }

  // ---- the branch with the most difficulty wins

  @Override
  public ImportResult importBlock(Block block) {
    imports.lock();
    try (StoreLease lease = chain.storage().lease()) {
      return insert(lease.get(), block);
    } catch (InvalidBranchException invalid) {
      FutureBlockException future = invalid.future();
      if (future != null && future.isDueSoon()) {
        return new ImportResult.TooEarly(future.timestamp());
      }
      if (future != null) {
        return new ImportResult.Invalid(invalid.reason());
      }
      boolean isRejected = invalid.rejection() != null;
      if (isRejected || !invalid.block().hash().equals(block.hash())) {
        bad.reject(invalid, chain); // for a block of the branch that was stored and not executed
      }
      if (!isRejected) {
        bad.report(invalid.block(), invalid.reason());
      }
      return new ImportResult.Invalid(invalid.reason());
    } finally {
      imports.unlock();
    }
  }

  private ImportResult insert(KeyValueStore store, Block block) throws InvalidBranchException {
    Block head = chain.head();
    UInt256 stored = ChainStore.totalDifficulty(store, block.hash());
    if (stored != null
        && (block.hash().equals(ChainStore.canonical(store, block.number()))
            || !isReorgNeeded(store, block, stored, head))) {
      return new ImportResult.Known();
    }
    BlockHeader parent = ChainStore.header(store, block.header().parentHash());
    if (parent == null) {
      return new ImportResult.UnknownParent();
    }
    Rejection rejected = bad.find(block.header().parentHash());
    if (rejected != null) {
      bad.add(block.hash(), rejected); // descendants of an invalid block are rejected, too
      return new ImportResult.Invalid(rejected.reason());
    }
    UInt256 total = stored == null ? CanonicalWriter.totalDifficulty(store, block) : stored;
    boolean isSideBlock = !isReorgNeeded(store, block, total, head);
    if (isSideBlock) {
      requireAboveFloor(store, head, block, parent.number() + 1); // its own may be wrong
    }
    verifier.verify(block, parent);
    if (isSideBlock) {
      boolean executed = processor.executeSideBlock(store, head, block, null);
      writer.storeSideBlock(store, block, executed);
      return new ImportResult.Imported(false);
    }
    Reorg reorg = processor.planner().plan(store, head, block);
    if (reorg == null) {
      throw new SettledException("an ancestor of block " + block + " has been pruned");
    }
    requireUnwind(reorg.commonAncestor());
    writer.reorganize(store, reorg, new WriteSet());
    return new ImportResult.Imported(true);
  }

  private void requireAboveFloor(KeyReader store, Block head, Block block, long number) {
    long unwindable = chain.pruner().oldest().unwindable();
    long floor = SideBlocks.floor(store, head.number(), unwindable);
    if (number <= floor) {
      requireUnwind(number - 1);
      throw new SettledException(
          "block " + block + " cannot become canonical: the chain is settled up to block " + floor);
    }
  }

  /** Checks that the head can be unwound to where a branch leaves the chain. */
  private void requireUnwind(long number) {
    try {
      chain.pruner().requireUnwind(number);
    } catch (StorageException pruned) {
      throw new SettledException(String.valueOf(pruned.getMessage()));
    }
  }

  /**
   * Returns whether a block becomes the head: more total difficulty wins, and the consensus rules
   * choose between blocks of equal total difficulty.
   */
  private boolean isReorgNeeded(KeyReader store, Block block, UInt256 totalDifficulty, Block head) {
    UInt256 headDifficulty = ChainStore.totalDifficulty(store, head.hash());
    int order = headDifficulty == null ? 1 : totalDifficulty.compareTo(headDifficulty);
    return order > 0
        || (order == 0
            && !block.hash().equals(head.hash())
            && chain.rules().winsTie(block.header(), head.header(), chain, chain.config()));
  }

  // ---- a consensus client moves the head

  @Override
  public PayloadStatus insertWithoutSetHead(Block block) {
    return insertWithoutSetHead(block, null);
  }

  @Override
  public PayloadStatus insertWithoutSetHead(
      Block block, List<Receipt> receipts, StateChanges changes) {
    return insertWithoutSetHead(block, new Effects(receipts, changes));
  }

  private PayloadStatus insertWithoutSetHead(Block block, @Nullable Effects effects) {
    imports.lock();
    try (StoreLease lease = chain.storage().lease()) {
      return insertWithoutSetHead(lease.get(), block, effects);
    } catch (InvalidBranchException invalid) {
      Rejection rejection = bad.reject(invalid, chain);
      return new PayloadStatus.Invalid(rejection.latestValid(), rejection.reason());
    } finally {
      imports.unlock();
    }
  }

  private PayloadStatus insertWithoutSetHead(
      KeyValueStore store, Block block, @Nullable Effects effects) throws InvalidBranchException {
    if (ChainStore.totalDifficulty(store, block.hash()) != null
        && SideBlocks.isExecuted(store, block.number(), block.hash())) {
      return new PayloadStatus.Valid();
    }
    Rejection rejected = bad.find(block.hash());
    if (rejected == null) {
      rejected = bad.find(block.header().parentHash());
      if (rejected != null) {
        bad.add(block.hash(), rejected); // descendants of an invalid block are rejected, too
      }
    }
    if (rejected != null) {
      return new PayloadStatus.Invalid(rejected.latestValid(), rejected.reason());
    }
    BlockHeader parent = ChainStore.header(store, block.header().parentHash());
    if (parent == null) {
      unlinked.accept(block);
      return new PayloadStatus.Syncing();
    }
    verifier.verify(block, parent);
    if (!processor.executeSideBlock(store, chain.head(), block, effects)) {
      return new PayloadStatus.Accepted();
    }
    writer.storeSideBlock(store, block, true);
    return new PayloadStatus.Valid();
  }

  // ---- an operator moves the head

  @Override
  public Block setHead(long number) {
    imports.lock();
    try (StoreLease lease = chain.storage().lease()) {
      KeyValueStore store = lease.get();
      Block head = chain.head();
      Block block = chain.block(number);
      if (block == null) {
        throw new IllegalArgumentException(
            "block " + number + " is not in the chain, whose head is " + head.number());
      }
      if (number < head.number()) {
        chain.pruner().requireUnwind(number);
        writer.rewindTo(store, new Reorg(head, List.of(), number, block));
      }
      return block;
    } finally {
      imports.unlock();
    }
  }
}
