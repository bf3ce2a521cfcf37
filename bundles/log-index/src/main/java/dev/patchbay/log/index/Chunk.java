// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.log.index;

import dev.patchbay.primitives.Hash;
import java.util.Arrays;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * The index of {@value #BLOCKS} blocks that follow one another, in memory: entries in ascending
 * order, each the number of an address or topic ({@link LogKeys}) and 6 bits for the block. A
 * search takes a step for each bit of their count, and not for each block.
 *
 * @param parent hash of the block before its first
 * @param last hash of its last block
 * @param entries the entries; not to be changed
 */
record Chunk(Hash parent, Hash last, long[] entries) {
  static final int BLOCKS = 64;
  private static final int BLOCK_BITS = 6;

  /** Returns the number of the chunk of a block: its first block is {@value #BLOCKS} times that. */
  static long of(long block) {
    return block / BLOCKS;
  }

  /**
   * A block.
   *
   * @param keys the numbers of its logs
   */
  record Block(Hash hash, Hash parent, long[] keys) {}

  /**
   * Makes a chunk; returns null when the blocks do not follow one another: some of them are of
   * another branch.
   *
   * @param blocks {@value #BLOCKS} blocks
   */
  static @Nullable Chunk of(List<Block> blocks) {
    long[] entries = new long[blocks.stream().mapToInt(own -> own.keys.length).sum()];
    Hash before = blocks.get(0).parent;
    int count = 0;
    for (int offset = 0; offset < BLOCKS; offset++) {
      Block block = blocks.get(offset);
      if (!block.parent.equals(before)) {
        return null;
      }
      for (long key : block.keys) {
        entries[count++] = key << BLOCK_BITS | offset;
      }
      before = block.hash;
    }
    Arrays.sort(entries);
    return new Chunk(blocks.get(0).parent, before, entries);
  }

  /** Returns the blocks that have a number of each group: bit i stands for its block i. */
  long candidates(List<long[]> groups) {
    long all = -1;
    for (long[] group : groups) {
      long any = 0;
      for (long key : group) {
        any |= blocks(key);
      }
      all &= any;
    }
    return all;
  }

  private long blocks(long key) {
    int at = Arrays.binarySearch(entries, key << BLOCK_BITS);
    long found = 0;
    for (int i = at < 0 ? -at - 1 : at; i < entries.length; i++) {
      if (entries[i] >>> BLOCK_BITS != key) {
        break;
      }
      found |= 1L << entries[i]; // the lowest 6 bits count
    }
    return found;
  }

  /** Appends the entries as those of a section; returns how many there are then. */
  int addTo(long[] section, int count, int firstOffset) {
    int next = count;
    for (long entry : entries) {
      int offset = firstOffset + (int) (entry & (BLOCKS - 1));
      section[next++] = Section.entry(entry >>> BLOCK_BITS, offset);
    }
    return next;
  }
}
