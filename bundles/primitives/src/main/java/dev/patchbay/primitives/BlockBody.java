// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.primitives;

import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * A block without its header, as peers send it.
 *
 * @param transactions the transactions in order
 * @param ommers the headers of the ommers
 * @param withdrawals the withdrawals; null before Shanghai
 */
public record BlockBody(
    List<Transaction> transactions,
    List<BlockHeader> ommers,
    @Nullable List<Withdrawal> withdrawals) {
  /** Copies the lists. */
  public BlockBody {
    transactions = List.copyOf(transactions);
    ommers = List.copyOf(ommers);
    withdrawals = withdrawals == null ? null : List.copyOf(withdrawals);
  }

  /** Returns the block with a header; whether the header is the one of this body is not checked. */
  public Block toBlock(BlockHeader header) {
    return new Block(header, transactions, ommers, withdrawals);
  }
}
