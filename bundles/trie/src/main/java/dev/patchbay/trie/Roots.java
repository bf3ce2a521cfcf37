// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.trie;

import dev.patchbay.primitives.BlockHeader;
import dev.patchbay.primitives.Hash;
import dev.patchbay.primitives.Receipt;
import dev.patchbay.primitives.Transaction;
import dev.patchbay.primitives.Withdrawal;
import dev.patchbay.primitives.rlp.RlpWriter;
import java.util.List;

/**
 * Roots and hashes that a header holds of lists (Yellow Paper, section 4.3). Threading: stateless.
 */
public final class Roots {
  private Roots() {}

  /** Returns the root of transactions in their order. */
  public static Hash ofTransactions(List<Transaction> transactions) {
    return Trie.rootOfList(transactions.stream().map(Transaction::encode).toList());
  }

  /** Returns the root of receipts in their order. */
  public static Hash ofReceipts(List<Receipt> receipts) {
    return Trie.rootOfList(receipts.stream().map(Receipt::encode).toList());
  }

  /** Returns the root of withdrawals in their order (EIP-4895). */
  public static Hash ofWithdrawals(List<Withdrawal> withdrawals) {
    return Trie.rootOfList(withdrawals.stream().map(Roots::encode).toList());
  }

  /** Returns the hash of the list of ommers in their order. */
  public static Hash ofOmmers(List<BlockHeader> ommers) {
    return Hash.keccak(
        new RlpWriter().list(w -> ommers.forEach(ommer -> ommer.write(w))).toArray());
  }

  private static byte[] encode(Withdrawal withdrawal) {
    RlpWriter writer = new RlpWriter();
    withdrawal.write(writer);
    return writer.toArray();
  }
}
