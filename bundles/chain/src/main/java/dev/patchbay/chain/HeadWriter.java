// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.chain;

import dev.patchbay.api.storage.KeyValueStore;
import dev.patchbay.api.storage.StorageException;
import dev.patchbay.api.storage.WriteBatch;
import dev.patchbay.primitives.Block;
import dev.patchbay.primitives.Hash;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Writes heads. A new head is one batch, except for trie nodes, which are computed from it ({@link
 * RecentNodes}).
 *
 * <p>Threading: one thread at a time, under the import lock.
 */
final class HeadWriter {
  private static final Logger LOG = LoggerFactory.getLogger(HeadWriter.class);

  private final ChainOpener opener;
  private final ChainHead head;
  private final BlockStore blocks;
  private final StateArchive states;
  private final HistoryPruner pruner;
  private final ReorgSequence reorgs;
  private final RecentNodes recent;
  private final SideBlocks sideBlocks;
  private final Choices choices;

  HeadWriter(
      ChainOpener opener,
      ChainHead head,
      BlockStore blocks,
      StateArchive states,
      HistoryPruner pruner,
      ReorgSequence reorgs,
      RecentNodes recent,
      SideBlocks sideBlocks,
      Choices choices) {
    this.opener = opener;
    this.head = head;
    this.blocks = blocks;
    this.states = states;
    this.pruner = pruner;
    this.reorgs = reorgs;
    this.recent = recent;
    this.sideBlocks = sideBlocks;
    this.choices = choices;
  }

  /**
   * Accepts a store, which is checked before it is bound; returns its head.
   *
   * @throws StorageException when the store does not hold this chain, complete; the message says
   *     what to do
   */
  Block open(KeyValueStore store) {
    blocks.clearCache();
    states.clearCache();
    Block opened = opener.open(store);
    choices.open(store, opened.number() == 0);
    sideBlocks.open(store);
    pruner.open(store, opened.number());
    recent.reset(opened.hash(), opened.number());
    head.set(opened);
    head.setFresh();
    return opened;
  }

  /** Reads the head from the store when an error has left it unknown. */
  void reload(KeyValueStore store) {
    if (head.isStale()) {
      open(store);
    }
  }

  /**
   * Writes a new head.
   *
   * @param writes all changes on the way to it
   * @param commonAncestor number of the last block that stays canonical
   * @param isReorg whether canonical blocks above it are removed
   * @throws StorageException when the store has rejected the batch, or any error: the head is the
   *     one before. An error after the store has accepted the batch is logged, and the head has
   *     moved. While the store cannot be read again, all methods throw that storage is unavailable.
   */
  void setCanonicalHead(
      KeyValueStore store, WriteSet writes, Block block, long commonAncestor, boolean isReorg) {
    writes.put(Columns.META, Keys.HEAD, block.hash().toArray());
    choices.addTo(writes);
    StateOverlay overlay = new StateOverlay(states.stateOfHead(store), writes);
    HistoryPruner.Oldest before = pruner.oldest();
    HistoryPruner.Oldest next = pruner.prune(overlay, block.number(), commonAncestor);
    long lowestSideBlock =
        sideBlocks.prune(overlay, block.number(), commonAncestor, next.unwindable());
    // the change sets that the tries in the store would be caught up by must stay
    boolean flush =
        recent.isFull()
            || next.changeSet() > recent.baseNumber() + 1
            || commonAncestor < recent.baseNumber()
            || block.number() != commonAncestor + 1;
    WriteBatch batch = writes.toBatchWithoutTries();
    if (flush) {
      recent.flushInto(batch, writes, block.hash());
    }
    pruner.set(next); // first: readers check it after they have read
    head.setNext(block);
    if (isReorg) {
      reorgs.begin();
    }
    try {
      head.storage().write(batch);
      if (flush) {
        recent.reset(block.hash(), block.number());
      } else {
        recent.add(writes, block.hash());
      }
      choices.written();
      sideBlocks.setLowest(lowestSideBlock);
      head.set(block);
    } catch (Throwable failure) { // only the store knows which head it holds
      if (!isWritten(store, block, failure)) {
        pruner.set(before);
        throw failure;
      }
      LOG.warn("head {} is written; an error came after that: {}", block, failure.toString());
    } finally {
      head.setNext(null);
      if (isReorg) {
        reorgs.end();
      }
    }
  }

  /**
   * Returns whether the store holds a new head after an error while it was written; brings the head
   * in memory to the head of the store.
   *
   * @throws RuntimeException the failure, or an error, when the store cannot be read: the head is
   *     read again before the next use
   */
  private boolean isWritten(KeyValueStore store, Block block, Throwable failure) {
    head.setStale("a head could not be written");
    try {
      byte[] stored = store.get(Columns.META, Keys.HEAD);
      Block known = head.cached();
      if (stored != null && known != null && known.hash().equals(Hash.of(stored))) {
        head.setFresh(); // the store is as before, and so is all that follows from it
        return false;
      }
      return block.equals(open(store));
    } catch (Throwable again) {
      again.addSuppressed(failure);
      throw again;
    }
  }
}
