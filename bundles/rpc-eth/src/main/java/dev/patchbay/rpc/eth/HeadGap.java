// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.rpc.eth;

import dev.patchbay.api.chain.ChainReader;
import dev.patchbay.primitives.Block;
import dev.patchbay.primitives.BlockHeader;
import dev.patchbay.primitives.Hash;
import dev.patchbay.rpc.eth.Events.HeadChange;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * Appends head changes to a journal without a gap. Changes whose events have not arrived, because
 * the namespace was replaced or other listeners are notified first, are found by the headers
 * between the two heads.
 *
 * <p>Threading: any thread. {@link #headChanged} reads nothing.
 */
final class HeadGap {
  /** More changes than that are no longer in the journal anyway. */
  private static final int MAX_CHANGES = 8_192;

  private final ChainReader chain;
  private final Journal<HeadChange> heads;

  /** The head after the latest change that was seen; null before the first. */
  private @Nullable Hash last;

  /** Whether changes after the last head have to be found. */
  private boolean open;

  /** Whether the events of changes that were found may still come. */
  private boolean found;

  HeadGap(ChainReader chain, Journal<HeadChange> heads) {
    this.chain = chain;
    this.heads = heads;
  }

  /** Begins after the last head that a predecessor has seen. */
  synchronized void continueAfter(Hash head) {
    last = head;
    open = true;
  }

  /**
   * Takes a head change.
   *
   * @param kept whether it is appended; not when there is no reader
   */
  synchronized void headChanged(List<Block> removed, List<Block> added, long depth, boolean kept) {
    if (open && kept) {
      return; // it is in the gap
    }
    open = false; // without a reader there is nothing to find
    BlockHeader first = removed.isEmpty() ? null : removed.get(0).header();
    if (added.isEmpty() && first == null) {
      return;
    }
    if (found && kept) {
      Hash before = first == null ? added.get(0).header().parentHash() : removed.get(0).hash();
      if (!before.equals(last)) {
        open = true; // it was found in the gap, or another one has been left out
        return;
      }
      found = false;
    }
    if (kept) {
      removed.forEach(b -> heads.append(new HeadChange(b.header(), b.hash(), true, depth)));
      added.forEach(b -> heads.append(new HeadChange(b.header(), b.hash(), false, depth)));
    }
    last =
        added.isEmpty()
            ? removed.get(removed.size() - 1).header().parentHash()
            : added.get(added.size() - 1).hash();
  }

  /**
   * Appends the changes that the predecessor has not seen, unless that was done. When they cannot
   * be found, the readers of the journal miss them, and are treated as the journal treats those
   * that are late.
   *
   * @throws dev.patchbay.api.storage.StorageUnavailableException while no store is bound
   */
  synchronized void close() {
    if (open) {
      catchUp();
    }
  }

  /**
   * Appends all changes up to the head. A client that has seen a block finds it in its filter, and
   * a filter that is installed then does not report it.
   *
   * @throws dev.patchbay.api.storage.StorageUnavailableException while no store is bound
   */
  synchronized void catchUp() {
    Hash head = chain.head().hash();
    if (last != null && !last.equals(head)) {
      List<HeadChange> changes = between(last, head);
      if (changes == null) {
        heads.skip();
      } else {
        changes.forEach(heads::append);
      }
    }
    found |= open || !head.equals(last);
    last = head;
    open = false;
  }

  /** Returns the changes from one head to another; null when they cannot be found. */
  private @Nullable List<HeadChange> between(Hash from, Hash to) {
    List<HeadChange> removed = new ArrayList<>();
    List<HeadChange> added = new ArrayList<>();
    BlockHeader old = chain.header(from);
    BlockHeader next = chain.header(to);
    while (!from.equals(to)) { // back to the block that both have in common
      if (old == null || next == null || removed.size() + added.size() > MAX_CHANGES) {
        return null;
      }
      if (old.number() >= next.number()) {
        removed.add(new HeadChange(old, from, true, 0));
        from = old.parentHash();
        old = chain.header(from);
      } else {
        added.add(new HeadChange(next, to, false, 0));
        to = next.parentHash();
        next = chain.header(to);
      }
    }
    Collections.reverse(added);
    removed.addAll(added);
    int depth = removed.size() - added.size();
    removed.replaceAll(c -> new HeadChange(c.header(), c.hash(), c.removed(), depth));
    return removed;
  }

  /**
   * Takes the canonical head as the last one, when none has been seen.
   *
   * @throws dev.patchbay.api.storage.StorageUnavailableException while no store is bound
   */
  synchronized void noteHead() {
    if (last == null) {
      last = chain.head().hash();
    }
  }

  /**
   * Returns the last head that was seen, for a successor.
   *
   * @throws dev.patchbay.api.storage.StorageUnavailableException while no store is bound
   */
  synchronized Hash last() {
    noteHead();
    return Objects.requireNonNull(last);
  }
}
