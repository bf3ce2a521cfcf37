// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.api.chain;

import org.jspecify.annotations.Nullable;

/**
 * Which canonical blocks have a body and receipts, and which of them have their transactions in the
 * index. The genesis block and all headers are always available.
 *
 * @param oldestBlock number of the block from which on all blocks have a body and receipts; 0 when
 *     no block has been pruned
 * @param blocks how many of the latest blocks have a body and receipts; null for all
 * @param oldestIndexed number of the block from which on the transactions of all blocks are in the
 *     index, at least {@code oldestBlock}; 0 when no block has been removed from it
 * @param indexed how many of the latest blocks have their transactions in the index; null for all
 */
public record BlockRetention(
    long oldestBlock, @Nullable Long blocks, long oldestIndexed, @Nullable Long indexed) {
  /** The retention of a chain of which nothing is pruned. */
  public static final BlockRetention ALL = new BlockRetention(0, null, 0, null);

  /** Returns whether the body and the receipts of the canonical block with a number are pruned. */
  public boolean isPruned(long number) {
    return number > 0 && number < oldestBlock;
  }

  /**
   * Checks that no block of a range is pruned.
   *
   * @param first number of the first block
   * @param last number of the last block
   * @throws PrunedException when one is
   */
  public void requireRange(long first, long last) {
    long tested = Math.max(1, first);
    if (tested <= last && isPruned(tested)) {
      throw new PrunedException(tested, oldestBlock);
    }
  }
}
