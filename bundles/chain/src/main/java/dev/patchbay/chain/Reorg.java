// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.chain;

import dev.patchbay.api.storage.KeyReader;
import dev.patchbay.primitives.Block;
import dev.patchbay.primitives.Hash;
import java.util.ArrayList;
import java.util.List;

/**
 * How another block becomes the head.
 *
 * @param head the current head: the blocks from it down to the common ancestor are removed
 * @param added hashes of the blocks that become canonical, lowest first
 * @param commonAncestor number of the highest block that both branches share
 * @param target the next head, which may not be stored yet
 */
record Reorg(Block head, List<Hash> added, long commonAncestor, Block target) {
  /** Returns how many blocks are removed. */
  long depth() {
    return head.number() - commonAncestor;
  }

  /** Returns the removed blocks, highest first. */
  List<Block> removed(KeyReader store) {
    List<Block> removed = new ArrayList<>();
    Hash next = head.hash(); // the body of the common ancestor may have been pruned
    for (long number = head.number(); number > commonAncestor; number--) {
      Block old = next.equals(head.hash()) ? head : ChainStore.requireBlock(store, next);
      removed.add(old);
      next = old.header().parentHash();
    }
    return removed;
  }
}
