// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.chain;

import dev.patchbay.api.chain.ChainReader.BadBlock;
import dev.patchbay.primitives.Block;
import dev.patchbay.primitives.Hash;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * Blocks that were refused, so that neither they nor what builds on them is executed again, and
 * those that an operator may look at. What was refused may have been so for a fault of this node:
 * one that is asked for often enough is tried again, and all are when what executes is exchanged.
 *
 * <p>Threading: any thread.
 */
final class BadBlocks {
  /** As geth. */
  private static final int MOST_KNOWN = 512;

  /** As geth. */
  private static final int FORGIVEN_AFTER = 128;

  private static final int MOST_SHOWN = 16;

  private final Deque<BadBlock> shown = new ArrayDeque<>();
  private final Map<Hash, Entry> known = new LinkedHashMap<>();

  /**
   * Why a block is refused.
   *
   * @param latestValid the nearest block before it that is valid; zero when that is of proof of
   *     work
   * @param reason which rule it, or one before it, breaks
   */
  record Verdict(Hash latestValid, String reason) {}

  private static final class Entry {
    final Verdict verdict;
    int asked;

    Entry(Verdict verdict) {
      this.verdict = verdict;
    }
  }

  /** Shows a block to whoever asks for those that were refused. */
  synchronized void show(Block block, String reason) {
    shown.removeIf(other -> other.block().hash().equals(block.hash()));
    shown.addFirst(new BadBlock(block, reason));
    if (shown.size() > MOST_SHOWN) {
      shown.removeLast();
    }
  }

  /** Returns the latest blocks that were refused, the newest first. */
  synchronized List<BadBlock> latest() {
    return List.copyOf(shown);
  }

  /** Refuses a block, by the hash of its header, from now on. */
  synchronized void add(Hash hash, Verdict verdict) {
    known.put(hash, new Entry(verdict));
    if (known.size() > MOST_KNOWN) {
      known.remove(known.keySet().iterator().next());
    }
  }

  /** Returns why a block is refused; null when it is not, or not any more. */
  synchronized @Nullable Verdict find(Hash hash) {
    Entry entry = known.get(hash);
    if (entry == null) {
      return null;
    }
    if (++entry.asked >= FORGIVEN_AFTER) {
      known.remove(hash);
      return null;
    }
    return entry.verdict;
  }

  /** Refuses nothing any more. */
  synchronized void forgive() {
    known.clear();
  }
}
