// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.p2p.eth;

import dev.patchbay.primitives.Bytes;
import dev.patchbay.primitives.Transaction;
import dev.patchbay.primitives.rlp.RlpList;
import dev.patchbay.primitives.rlp.RlpReader;
import java.util.List;

/**
 * Sends transactions that the peer has not asked for (0x02).
 *
 * @param transactions without sidecars, at most {@link EthLimits#MAX_TRANSACTIONS}
 */
record Transactions(List<Transaction> transactions) implements EthMessage {
  /** Copies the list. */
  Transactions {
    transactions = List.copyOf(transactions);
  }

  @Override
  public int code() {
    return MessageCode.TRANSACTIONS;
  }

  @Override
  public Bytes encode() {
    return RlpList.encode(w -> transactions.forEach(transaction -> transaction.writeInBody(w)));
  }

  /** Decodes a payload. */
  static Transactions decode(Bytes payload) {
    RlpReader reader = RlpReader.of(payload.unsafeArray());
    List<Transaction> transactions =
        RlpList.read(reader, EthLimits.MAX_TRANSACTIONS, Transaction::readInBody);
    reader.expectEnd();
    return new Transactions(transactions);
  }
}
