// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.rpc.eth;

import dev.patchbay.primitives.BlockHeader;
import dev.patchbay.primitives.Hash;
import dev.patchbay.primitives.Transaction;

/**
 * The latest events that filters and subscriptions report.
 *
 * @param heads blocks that became canonical, and blocks that are no longer
 * @param transactions transactions that became executable
 */
record Events(Journal<HeadChange> heads, Journal<Transaction> transactions) {
  private static final int MAX_HEADS = 8_192;
  private static final int MAX_TRANSACTIONS = 16_384;

  /** Bytes of memory of all transactions. */
  private static final long MAX_TRANSACTION_BYTES = 16 << 20;

  private static final long OBJECT_BYTES = 512;

  /**
   * One block that a head change adds or removes. The body is not held: it is read when a
   * subscription or a filter needs it.
   *
   * @param removed whether the block is no longer canonical
   * @param depth how many blocks the reorg removes in all; 0 when none
   */
  record HeadChange(BlockHeader header, Hash hash, boolean removed, long depth) {}

  /** Creates empty journals of the sizes that a node has. */
  static Events create() {
    return new Events(
        new Journal<>(MAX_HEADS, MAX_HEADS, change -> 1),
        new Journal<>(
            MAX_TRANSACTIONS,
            MAX_TRANSACTION_BYTES,
            transaction -> OBJECT_BYTES + 2L * transaction.encodedSize()));
  }
}
