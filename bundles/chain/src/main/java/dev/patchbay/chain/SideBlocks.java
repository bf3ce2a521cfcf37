// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.chain;

import dev.patchbay.api.storage.KeyReader;
import dev.patchbay.primitives.Hash;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/**
 * The index of blocks that are not canonical, by number, and its pruning. A block that can no
 * longer become canonical is deleted. Blocks that builds before the index stored are not in it;
 * they stay.
 *
 * <p>Threading: one thread at a time, under the import lock; {@link #isExecuted} any thread.
 */
final class SideBlocks {
  /** How far below the head side blocks are kept at most: geth's FullImmutabilityThreshold. */
  static final long MAX_DEPTH = 90_000;

  private static final int MAX_PRUNED_AT_ONCE = 16;

  private static final byte[] EXECUTED = {'E'};
  private static final byte[] VERIFIED = {'V'};

  /** No entry has a lower number; {@link Long#MAX_VALUE} when there is no entry. */
  private long lowest = Long.MAX_VALUE;

  /** Reads where the index of another store begins. */
  void open(KeyReader store) {
    lowest = Long.MAX_VALUE;
    store.scan(
        Columns.SIDE_BLOCKS,
        new byte[0],
        (key, value) -> {
          lowest = Keys.number(key);
          return false;
        });
  }

  /** Adds a block; {@code executed} is false when only its header and body were verified. */
  void add(WriteSet writes, long number, Hash hash, boolean executed) {
    writes.put(
        Columns.SIDE_BLOCKS,
        Keys.sideBlock(number, hash),
        executed ? EXECUTED.clone() : VERIFIED.clone());
    lowest = Math.min(lowest, number);
  }

  /** Removes a block that becomes canonical. */
  void remove(WriteSet writes, long number, Hash hash) {
    writes.delete(Columns.SIDE_BLOCKS, Keys.sideBlock(number, hash));
  }

  /** Returns whether a stored block was executed and is valid. */
  static boolean isExecuted(KeyReader reader, long number, Hash hash) {
    byte[] entry = reader.get(Columns.SIDE_BLOCKS, Keys.sideBlock(number, hash));
    return entry == null || Arrays.equals(entry, EXECUTED);
  }

  /** Returns whether an entry has a value that {@link #add} writes. */
  static boolean isValue(byte[] value) {
    return Arrays.equals(value, EXECUTED) || Arrays.equals(value, VERIFIED);
  }

  /**
   * Returns the number up to which side blocks cannot become canonical.
   *
   * @param unwindable number of the lowest block that the head can be unwound to
   */
  static long floor(KeyReader reader, long head, long unwindable) {
    Long finalized = ChainStore.taggedNumber(reader, Keys.FINALIZED);
    long floor = Math.max(unwindable, head - MAX_DEPTH);
    return finalized == null ? floor : Math.max(floor, finalized);
  }

  /**
   * Deletes some of the side blocks that cannot become canonical, the lowest first. Returns where
   * the index begins then, for {@link #setLowest} once the head is written.
   *
   * @param overlay the store after the head has moved
   * @param commonAncestor number of the last block that stays canonical: blocks that the move
   *     removes stay, as listeners read them next
   */
  long prune(StateOverlay overlay, long head, long commonAncestor, long unwindable) {
    if (lowest > commonAncestor || commonAncestor == head) {
      return lowest; // a move that only rewinds may be on its way to a side block
    }
    long floor = Math.min(commonAncestor, floor(overlay, head, unwindable));
    if (lowest > floor) {
      return lowest;
    }
    List<byte[]> pruned = new ArrayList<>();
    long[] next = {Long.MAX_VALUE};
    overlay.scan(
        Columns.SIDE_BLOCKS,
        Keys.number(lowest),
        (key, value) -> {
          next[0] = Keys.number(key);
          if (next[0] > floor || pruned.size() == MAX_PRUNED_AT_ONCE) {
            return false;
          }
          pruned.add(key);
          next[0] = Long.MAX_VALUE;
          return true;
        });
    for (byte[] key : pruned) {
      Hash hash = Hash.wrap(Arrays.copyOfRange(key, Long.BYTES, key.length));
      overlay.delete(Columns.SIDE_BLOCKS, key);
      if (!hash.equals(
          ChainStore.canonical(overlay, Keys.number(key)))) { // whatever the entry says
        ChainStore.delete(overlay.writes(), hash);
      }
    }
    return next[0];
  }

  /** Sets where the index begins, after pruning. */
  void setLowest(long number) {
    lowest = number;
  }
}
