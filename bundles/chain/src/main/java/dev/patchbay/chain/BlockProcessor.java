// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.chain;

import dev.patchbay.api.chain.InvalidBlockException;
import dev.patchbay.api.execution.BlockExecutor;
import dev.patchbay.api.execution.NotReadyException;
import dev.patchbay.api.state.StateReader;
import dev.patchbay.api.storage.KeyReader;
import dev.patchbay.api.storage.KeyValueStore;
import dev.patchbay.chain.BadBlocks.Rejection;
import dev.patchbay.chain.ExecutedBlocks.ExecutedBlock;
import dev.patchbay.primitives.Address;
import dev.patchbay.primitives.Block;
import dev.patchbay.primitives.BlockHeader;
import dev.patchbay.primitives.Hash;
import dev.patchbay.primitives.Receipt;
import dev.patchbay.primitives.execution.StateChanges;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/**
 * Executes blocks, each once, on the state after its parent. The effects of a block that is not
 * canonical stay in memory ({@link ExecutedBlocks}) until the head moves to it.
 *
 * <p>Threading: under the import lock.
 */
final class BlockProcessor {
  private final Chain chain;
  private final Supplier<@Nullable BlockExecutor> executor;
  private final TrieWorkers workers;
  private final BadBlocks bad;
  private final ExecutedBlocks executedBlocks = new ExecutedBlocks();
  private final ReorgPlanner planner = new ReorgPlanner(hash -> executedBlocks.get(hash) != null);
  private final AtomicLong executions = new AtomicLong();
  private @Nullable SideBranch branch;

  BlockProcessor(
      Chain chain, Supplier<@Nullable BlockExecutor> executor, TrieWorkers workers, BadBlocks bad) {
    this.chain = chain;
    this.executor = executor;
    this.workers = workers;
    this.bad = bad;
  }

  /**
   * The receipts of a block and its changes of the state.
   *
   * @param receipts receipts in the order of the transactions
   */
  record Effects(List<Receipt> receipts, StateChanges changes) {}

  /**
   * A reorg that was executed.
   *
   * @param atAncestor the state after the common ancestor
   * @param blocks the added blocks, lowest first
   */
  record ExecutedReorg(StateOverlay atAncestor, List<ExecutedBlock> blocks) {}

  /** Returns how often a block was executed. Threading: any thread. */
  long executions() {
    return executions.get();
  }

  ReorgPlanner planner() {
    return planner;
  }

  /** Clears what is in memory: another store may hold another chain. */
  void clear() {
    executedBlocks.clear();
    branch = null;
  }

  /** Returns a block whose effects are in memory; null for any other block. */
  @Nullable Block executed(Hash hash) {
    ExecutedBlock found = executedBlocks.get(hash);
    return found == null ? null : found.block();
  }

  /**
   * Hands over the effects of blocks that become canonical: their writes may be added to.
   *
   * @param nextHead the head with these blocks
   */
  void release(List<ExecutedBlock> blocks, Block nextHead) {
    blocks.forEach(executed -> executedBlocks.remove(executed.block().hash()));
    SideBranch known = branch;
    if (known != null && nextHead.number() - known.headNumber() > ReorgPlanner.MAX_UNWIND_DEPTH) {
      branch = null; // it would be computed again
    }
  }

  /**
   * Refuses a reorg that adds a block that was rejected before: the blocks below it would be
   * executed again, to fail at the same block.
   */
  void requireNotRejected(Reorg reorg) throws InvalidBranchException {
    Rejection rejection = bad.find(reorg.added());
    if (rejection != null) {
      throw new InvalidBranchException(reorg.target(), rejection);
    }
  }

  // ---- blocks that become canonical

  /** Unwinds the blocks that a reorg removes. */
  ExecutedReorg unwind(KeyValueStore store, Reorg reorg) {
    return new ExecutedReorg(
        unwind(store, reorg.head().number(), reorg.commonAncestor()), List.of());
  }

  private StateOverlay unwind(KeyValueStore store, long head, long ancestor) {
    StateOverlay overlay = new StateOverlay(chain.states().stateOfHead(store));
    FlatState state = new FlatState(overlay, workers);
    for (long number = head; number > ancestor; number--) {
      state.unwind(number);
    }
    return overlay;
  }

  /** Unwinds the blocks that a reorg removes, and executes those that it adds. */
  ExecutedReorg execute(KeyValueStore store, Reorg reorg) throws InvalidBranchException {
    StateOverlay atAncestor = unwind(store, reorg.head().number(), reorg.commonAncestor());
    KeyReader base = reorg.depth() == 0 ? chain.states().stateOfHead(store) : atAncestor;
    List<ExecutedBlock> blocks = new ArrayList<>();
    for (Hash next : reorg.added()) {
      ExecutedBlock executed = executeOnce(store, base, next, reorg.target(), null);
      blocks.add(executed);
      base = executed.writes().over(base);
    }
    return new ExecutedReorg(atAncestor, blocks);
  }

  /**
   * Executes the first block that a reorg adds on the state after the common ancestor, which the
   * history provides without the memory for an overlay. A missing executor or EVM is noticed before
   * the head moves.
   */
  void executeFirst(KeyReader store, Reorg reorg) throws InvalidBranchException {
    Hash hash = reorg.added().get(0);
    Block target = reorg.target();
    Block first = hash.equals(target.hash()) ? target : ChainStore.requireBlock(store, hash);
    Hash ancestor = first.header().parentHash();
    try (StateReader state = ChainStore.required(chain.states().stateAt(ancestor))) {
      readyExecutor()
          .execute(first, state, changes -> chain.states().computeStateRoot(ancestor, changes));
      executions.incrementAndGet();
    } catch (InvalidBlockException invalid) {
      throw new InvalidBranchException(first, invalid);
    }
  }

  // ---- side blocks

  /**
   * Executes a block that does not become the head now. The state after the tip of the latest side
   * branch stays in memory, so that the next block of the branch costs no unwinding.
   *
   * @param effects its effects; null when they are not known
   * @return false when the branch is too long, or too far from the head: the block was not executed
   */
  boolean executeSideBlock(KeyValueStore store, Block head, Block block, @Nullable Effects effects)
      throws InvalidBranchException {
    if (block.header().parentHash().equals(head.hash())) {
      executeOnce(store, chain.states().stateOfHead(store), block.hash(), block, effects);
      return true;
    }
    SideBranch parent = branchAt(store, head, block);
    branch = null; // an error must not leave half of a state
    if (parent == null) {
      return false;
    }
    KeyReader base = parent.writes().over(chain.states().stateOfHead(store));
    ExecutedBlock executed = executeOnce(store, base, block.hash(), block, effects);
    branch = parent.with(executed);
    return true;
  }

  /** Returns the side branch up to the parent of a block; null when it is not to be executed. */
  private @Nullable SideBranch branchAt(KeyValueStore store, Block head, Block block)
      throws InvalidBranchException {
    SideBranch known = branch;
    if (known != null && known.tip().equals(block.header().parentHash())) {
      SideBranch moved = known.head().equals(head.hash()) ? known : rebase(store, known, head);
      if (moved != null
          && chain.pruner().canUnwindTo(moved.commonAncestor())
          && block.number() - moved.commonAncestor() <= ReorgPlanner.MAX_BRANCH_BLOCKS) {
        return moved;
      }
    }
    Reorg reorg = planner.planBounded(store, head, block);
    if (reorg == null || !chain.pruner().canUnwindTo(reorg.commonAncestor())) {
      return null;
    }
    requireNotRejected(reorg);
    WriteSet writes = unwind(store, head.number(), reorg.commonAncestor()).writes();
    Hash parentHash = block.header().parentHash();
    SideBranch built =
        new SideBranch(head.hash(), head.number(), parentHash, reorg.commonAncestor(), writes);
    for (Hash next : reorg.added().subList(0, reorg.added().size() - 1)) {
      KeyReader base = writes.over(chain.states().stateOfHead(store));
      writes.addAll(executeOnce(store, base, next, block, null).writes());
    }
    return built;
  }

  /** Returns a side branch beside a head that has moved on along the same chain; null otherwise. */
  private @Nullable SideBranch rebase(KeyValueStore store, SideBranch old, Block head) {
    Long number = ChainStore.canonicalNumber(store, old.head());
    if (number == null
        || head.number() - number > ReorgPlanner.MAX_UNWIND_DEPTH
        || !chain.pruner().canUnwindTo(number)) {
      return null;
    }
    old.writes().addAllBelow(unwind(store, head.number(), number).writes());
    return new SideBranch(
        head.hash(), head.number(), old.tip(), old.commonAncestor(), old.writes());
  }

  // ---- one block

  private ExecutedBlock executeOnce(
      KeyReader store, KeyReader base, Hash hash, Block target, @Nullable Effects effects)
      throws InvalidBranchException {
    ExecutedBlock executed = executedBlocks.get(hash);
    if (executed == null) {
      boolean isTarget = hash.equals(target.hash());
      Block block = isTarget ? target : ChainStore.requireBlock(store, hash);
      executed = execute(base, block, isTarget ? effects : null);
      executedBlocks.add(executed);
    }
    return executed;
  }

  private ExecutedBlock execute(KeyReader base, Block block, @Nullable Effects precomputed)
      throws InvalidBranchException {
    StateOverlay overlay = new StateOverlay(base);
    try {
      Effects effects = precomputed == null ? execute(overlay, block) : precomputed;
      Hash root = new FlatState(overlay, workers).apply(effects.changes, block.number());
      BlockHeader header = block.header();
      InvalidBlockException.check("stateRoot", header.stateRoot(), root);
      Address withdrawals = chain.rules().withdrawalsRootAccount(header, chain.config());
      if (withdrawals != null) {
        Hash storageRoot = FlatState.storageRoot(overlay, withdrawals);
        InvalidBlockException.check("withdrawalsRoot", header.withdrawalsRoot(), storageRoot);
      }
      ChainStore.putReceipts(overlay.writes(), block, effects.receipts);
      return new ExecutedBlock(block, effects.receipts, overlay.writes());
    } catch (InvalidBlockException invalid) {
      throw new InvalidBranchException(block, invalid);
    }
  }

  private Effects execute(StateOverlay overlay, Block block) throws InvalidBlockException {
    BlockExecutor execution = readyExecutor();
    try (ReadAhead ahead = ReadAhead.start(overlay, block, workers)) {
      BlockExecutor.Outcome outcome =
          execution.execute(
              block, new States.Latest(overlay), new FlatState(overlay, workers)::computeStateRoot);
      executions.incrementAndGet();
      return new Effects(outcome.receipts(), outcome.changes());
    }
  }

  private BlockExecutor readyExecutor() {
    BlockExecutor execution = executor.get();
    if (execution == null) {
      throw new NotReadyException("no block executor is installed");
    }
    return execution;
  }
}
