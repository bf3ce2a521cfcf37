// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.chain;

import dev.patchbay.api.chain.ChainListener;
import dev.patchbay.api.storage.KeyReader;
import dev.patchbay.binding.Listeners;
import dev.patchbay.primitives.Block;
import dev.patchbay.primitives.Hash;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Notifies listeners of head moves, gaplessly: a head that was written before an error is made up
 * for with the next notification.
 *
 * <p>Threading: under the import lock.
 */
final class HeadNotifier {
  private final Listeners<ChainListener> listeners;

  /** The head that listeners know; null when they know none. */
  private @Nullable Block notified;

  HeadNotifier(Listeners<ChainListener> listeners) {
    this.listeners = listeners;
  }

  /**
   * Accepts the head of a store that is opened. When the store has the block that listeners know,
   * the next notification covers the difference.
   */
  void open(KeyReader store, Block head) {
    Block known = notified;
    if (known == null || ChainStore.header(store, known.hash()) == null) {
      notified = head;
    }
  }

  /**
   * Notifies listeners of a move.
   *
   * @param before the head before the move
   * @param removed blocks that are no longer canonical, highest first
   * @param added blocks that are canonical now, lowest first
   * @param depth how many blocks all moves of the reorg remove
   */
  void moved(
      KeyReader store,
      Block before,
      Block head,
      List<Block> removed,
      List<Block> added,
      long depth) {
    if (notified == null || notified.equals(before)) {
      notified = head;
      listeners.forEach(listener -> listener.headChanged(removed, added, depth));
    } else {
      catchUp(store, head);
    }
  }

  /** Notifies listeners of the difference between the head that they know and the head now. */
  void catchUp(KeyReader store, Block head) {
    Block known = notified;
    if (known == null || known.equals(head)) {
      notified = head;
      return;
    }
    List<Block> removed = new ArrayList<>();
    Hash next = known.hash();
    long ancestor = known.number(); // whose body may have been pruned
    while (ancestor > head.number() || !next.equals(ChainStore.canonical(store, ancestor))) {
      Block old = next.equals(known.hash()) ? known : ChainStore.requireBlock(store, next);
      removed.add(old);
      next = old.header().parentHash();
      ancestor--;
    }
    List<Block> added = new ArrayList<>();
    for (long number = ancestor + 1; number <= head.number(); number++) {
      Hash hash = ChainStore.required(ChainStore.canonical(store, number));
      added.add(ChainStore.requireBlock(store, hash));
    }
    notified = head;
    listeners.forEach(listener -> listener.headChanged(removed, added, removed.size()));
  }
}
