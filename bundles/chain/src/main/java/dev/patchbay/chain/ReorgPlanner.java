// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.chain;

import dev.patchbay.api.storage.KeyReader;
import dev.patchbay.primitives.Block;
import dev.patchbay.primitives.BlockHeader;
import dev.patchbay.primitives.Hash;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.List;
import java.util.function.Predicate;
import org.jspecify.annotations.Nullable;

/** Plans reorgs. Reads headers only. Threading: under the import lock. */
final class ReorgPlanner {
  /** How far the common ancestor may be below the head in a bounded plan. */
  static final int MAX_UNWIND_DEPTH = 128;

  /** How many blocks of the branch may have to be executed in a bounded plan. */
  private static final int MAX_REEXECUTED_BLOCKS = 64;

  /** How many blocks the branch may have in a bounded plan. */
  static final int MAX_BRANCH_BLOCKS = 512;

  private final Predicate<Hash> isExecuted;

  /**
   * Creates a planner.
   *
   * @param isExecuted returns whether the effects of a block are in memory
   */
  ReorgPlanner(Predicate<Hash> isExecuted) {
    this.isExecuted = isExecuted;
  }

  /** Returns the reorg to a block; null when an ancestor of the block has been pruned. */
  @Nullable Reorg plan(KeyReader store, Block head, Block target) {
    return plan(store, head, target, Integer.MAX_VALUE, Integer.MAX_VALUE, Integer.MAX_VALUE);
  }

  /** Returns the reorg to a block; null when it is long, or an ancestor has been pruned. */
  @Nullable Reorg planBounded(KeyReader store, Block head, Block target) {
    return plan(store, head, target, MAX_UNWIND_DEPTH, MAX_REEXECUTED_BLOCKS, MAX_BRANCH_BLOCKS);
  }

  private @Nullable Reorg plan(
      KeyReader store, Block head, Block target, int maxDepth, int maxExecuted, int maxAdded) {
    Deque<Hash> added = new ArrayDeque<>();
    BlockHeader header = target.header();
    Hash hash = target.hash();
    int toExecute = 0;
    while (header.number() > head.number()
        || !hash.equals(ChainStore.canonical(store, header.number()))) {
      added.addFirst(hash);
      toExecute += isExecuted.test(hash) ? 0 : 1;
      hash = header.parentHash();
      BlockHeader parent = ChainStore.header(store, hash);
      if (parent == null
          || head.number() - parent.number() > maxDepth
          || toExecute > maxExecuted
          || added.size() > maxAdded) {
        return null;
      }
      header = parent;
    }
    return new Reorg(head, List.copyOf(added), header.number(), target);
  }
}
