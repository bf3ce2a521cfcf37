// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.chain;

import dev.patchbay.api.chain.BlockRetention;
import dev.patchbay.api.chain.ChainReader.TransactionLocation;
import dev.patchbay.api.chain.PrunedException;
import dev.patchbay.api.state.StateProvider.StateRetention;
import dev.patchbay.api.storage.KeyReader;
import dev.patchbay.api.storage.StorageException;
import dev.patchbay.binding.InvalidConfigurationException;
import dev.patchbay.primitives.Block;
import dev.patchbay.primitives.Hash;
import dev.patchbay.primitives.Transaction;
import java.util.function.BiConsumer;
import org.jspecify.annotations.Nullable;

/**
 * Prunes what is older than the windows of the configuration: change sets, bodies with receipts,
 * and the index of transactions. It writes into the batch that moves the head, and knows where each
 * of the three begins.
 *
 * <p>Threading: any thread reads; the holder of the import lock prunes.
 */
final class HistoryPruner {
  /**
   * How many blocks a head's move prunes more than it adds: a window that was made smaller is
   * reached step by step.
   */
  static final int MAX_PRUNED_AT_ONCE = 16;

  /**
   * How many of the latest blocks keep what they have; {@link Long#MAX_VALUE} for all.
   *
   * @param states blocks whose change set is stored, so that they can be unwound
   * @param blocks blocks whose body and receipts are stored
   * @param transactions blocks whose transactions are in the index, no more than {@code blocks}
   */
  record Windows(long states, long blocks, long transactions) {
    static final Windows ALL = new Windows(Long.MAX_VALUE, Long.MAX_VALUE, Long.MAX_VALUE);

    /** The smallest window: a reorg unwinds blocks by what they keep. */
    private static final long MIN_BLOCKS = 128;

    /**
     * Returns the windows that a configuration asks for, where 0 is all.
     *
     * @throws IllegalArgumentException when a value is out of its range; the message names the key
     */
    static Windows of(long history, long blocks, long transactions) {
      requireMinimum("history", history);
      requireMinimum("history.blocks", blocks);
      requireMinimum("history.transactions", transactions);
      if (blocks != 0 && blocks < history) {
        throw new InvalidConfigurationException(
            "dev.patchbay.chain: history.blocks is "
                + blocks
                + ", it must be 0 for all or at least history, which is "
                + history
                + ": traces and reorgs need the bodies of the blocks whose states are kept");
      }
      if (blocks != 0 && transactions > blocks) {
        throw new InvalidConfigurationException(
            "dev.patchbay.chain: history.transactions is "
                + transactions
                + ", it must be 0 or at most history.blocks, which is "
                + blocks
                + ": the index names transactions in the bodies of blocks");
      }
      long bodies = blocks == 0 ? Long.MAX_VALUE : blocks;
      return new Windows(
          history == 0 ? Long.MAX_VALUE : history,
          bodies,
          transactions == 0 ? bodies : transactions);
    }

    private static void requireMinimum(String key, long value) {
      if (value != 0 && value < MIN_BLOCKS) {
        throw new InvalidConfigurationException(
            "dev.patchbay.chain: "
                + key
                + " is "
                + value
                + ", it must be 0 for all or at least "
                + MIN_BLOCKS
                + ": a reorg unwinds blocks by it");
      }
    }
  }

  /**
   * Numbers of the first blocks that keep what they have; 1 when nothing has been pruned.
   *
   * @param changeSet the first block whose change set is stored
   * @param body the first block, after the genesis block, whose body and receipts are stored
   * @param transaction the first block, after the genesis block, whose transactions are in the
   *     index; not below {@code body}
   */
  record Oldest(long changeSet, long body, long transaction) {
    static Oldest read(KeyReader reader) {
      return new Oldest(
          number(reader, Keys.HISTORY_FROM),
          number(reader, Keys.BODIES_FROM),
          number(reader, Keys.TRANSACTIONS_FROM));
    }

    /** Returns the number of the first block whose state is available. */
    long state() {
      return Math.max(0, changeSet - 1);
    }

    /** Returns the number of the lowest block that the head can be unwound to. */
    long unwindable() {
      return Math.max(0, Math.max(changeSet, body) - 1);
    }

    private static long number(KeyReader reader, byte[] key) {
      byte[] stored = reader.get(Columns.META, key);
      return stored == null ? 1 : Keys.number(stored);
    }
  }

  private final Windows windows;
  private final BiConsumer<String, Object[]> log;
  private boolean opened;
  private volatile Oldest oldest = new Oldest(1, 1, 1);

  /**
   * Creates a pruner.
   *
   * @param log takes the format and the arguments of a line of information
   */
  HistoryPruner(Windows windows, BiConsumer<String, Object[]> log) {
    this.windows = windows;
    this.log = log;
  }

  /** Reads what a store has been pruned to. Says so once when that is less than the windows. */
  void open(KeyReader store, long head) {
    Oldest stored = Oldest.read(store);
    oldest = stored;
    if (!opened) {
      opened = true;
      report("history", "states", windows.states, stored.changeSet, head);
      report("history.blocks", "bodies and receipts", windows.blocks, stored.body, head);
      report(
          "history.transactions",
          "entries in the transaction index",
          windows.transactions,
          stored.transaction,
          head);
    }
  }

  private void report(String key, String kept, long window, long from, long head) {
    if (from > 1 && head - from + 1 < window) {
      log.accept(
          "{} asks for more blocks than have {}: those before block {} have been pruned and do not"
              + " come back; the window fills up with the blocks to come",
          new Object[] {key, kept, from});
    }
  }

  Oldest oldest() {
    return oldest;
  }

  /** Sets where everything begins: before a head is written, and back when it was not. */
  void set(Oldest next) {
    oldest = next;
  }

  /** Returns which states are available. */
  StateRetention stateRetention() {
    return new StateRetention(oldest.state(), orNull(windows.states));
  }

  /**
   * Checks that the state after a canonical block is available.
   *
   * @throws StorageException when it is not
   */
  void requireState(long number) {
    long state = oldest.state();
    if (number < state) {
      throw new StorageException(
          "the state after block "
              + number
              + " is not kept: the first is that after block "
              + state);
    }
  }

  /** Returns whether the head can be unwound to a block: by change sets, and by bodies. */
  boolean canUnwindTo(long number) {
    return number >= oldest.unwindable();
  }

  /**
   * Checks that the head can be unwound to a block.
   *
   * @throws StorageException when it cannot
   */
  void requireUnwind(long number) {
    requireState(number);
    if (!canUnwindTo(number)) {
      throw new PrunedException(number + 1, oldest.body);
    }
  }

  /**
   * Describes that the head cannot go back so far.
   *
   * @param block what it would go back to
   */
  String tooDeep(String block) {
    long oldestBody = retention().oldestBlock();
    return "the head would go back to "
        + block
        + ", states are available from block "
        + oldest.state()
        + " on"
        + (oldestBody == 0 ? "" : ", bodies of blocks from block " + oldestBody + " on");
  }

  BlockRetention retention() {
    Oldest now = oldest;
    return new BlockRetention(
        now.body == 1 ? 0 : now.body,
        orNull(windows.blocks),
        now.transaction == 1 ? 0 : now.transaction,
        orNull(windows.transactions));
  }

  private static @Nullable Long orNull(long window) {
    return window == Long.MAX_VALUE ? null : window;
  }

  /**
   * Prunes what the windows have passed, not too much at once.
   *
   * @param overlay the store after the head's move, canonical blocks included; takes the writes
   * @param head number of the block that the head moves to
   * @param commonAncestor number of the last block that stays: the move adds those above it, whose
   *     bodies and receipts listeners read next, so that they stay
   * @return where everything begins after the move; {@link #set} makes it known
   */
  Oldest prune(StateOverlay overlay, long head, long commonAncestor) {
    Oldest from = oldest;
    long max = MAX_PRUNED_AT_ONCE + Math.max(0, head - commonAncestor);
    long changeSet = end(from.changeSet, windows.states, head, max);
    long transaction =
        Math.max(
            from.transaction,
            Math.min(commonAncestor + 1, end(from.transaction, windows.transactions, head, max)));
    // pruning the index of a block needs its body
    long body =
        Math.max(
            from.body,
            Math.min(
                Math.min(commonAncestor + 1, transaction),
                end(from.body, windows.blocks, head, max)));
    StateHistory history = new StateHistory(overlay);
    for (long number = from.changeSet; number < changeSet; number++) {
      history.prune(number);
    }
    for (long number = from.transaction; number < transaction; number++) {
      pruneIndex(overlay, number);
    }
    for (long number = from.body; number < body; number++) {
      pruneBody(overlay, number);
    }
    put(overlay, Keys.HISTORY_FROM, from.changeSet, changeSet);
    put(overlay, Keys.TRANSACTIONS_FROM, from.transaction, transaction);
    put(overlay, Keys.BODIES_FROM, from.body, body);
    return new Oldest(changeSet, body, transaction);
  }

  /** Returns the first block that is not pruned. */
  private static long end(long from, long window, long head, long max) {
    return Math.max(from, Math.min(head - window + 1, from + max));
  }

  private static void put(StateOverlay overlay, byte[] key, long before, long now) {
    if (now != before) {
      overlay.put(Columns.META, key, Keys.number(now));
    }
  }

  private static void pruneBody(StateOverlay overlay, long number) {
    Hash hash = ChainStore.canonical(overlay, number);
    if (hash != null) {
      overlay.delete(Columns.BODIES, hash.toArray());
      overlay.delete(Columns.RECEIPTS, hash.toArray());
    }
  }

  private static void pruneIndex(StateOverlay overlay, long number) {
    Hash hash = ChainStore.canonical(overlay, number);
    Block block = hash == null ? null : ChainStore.block(overlay, hash);
    if (block == null) {
      return; // a damaged store; patchbay verify reports the entries that stay
    }
    for (Transaction transaction : block.transactions()) {
      TransactionLocation location = ChainStore.transaction(overlay, transaction.hash());
      if (location != null && location.blockHash().equals(hash)) {
        overlay.delete(Columns.TRANSACTIONS, transaction.hash().toArray());
      }
    }
  }
}
