// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.p2p.eth;

import dev.patchbay.primitives.BlobSidecar;
import dev.patchbay.primitives.Bytes;
import dev.patchbay.primitives.rlp.RlpList;
import java.util.List;

/**
 * The reply to GetPooledTransactions (0x0a), in the order of the request, with gaps.
 *
 * @param requestId id of the request
 * @param transactions the transactions as {@link PooledForm} encodes them, at most {@link
 *     EthLimits#MAX_HASHES}
 */
record PooledTransactions(long requestId, List<Bytes> transactions) implements EthReply {
  /** Copies the list. */
  PooledTransactions {
    transactions = List.copyOf(transactions);
  }

  /**
   * Decodes the transactions.
   *
   * @throws dev.patchbay.primitives.rlp.RlpException when one is malformed
   */
  List<BlobSidecar.Pooled> decodeTransactions() {
    return transactions.stream().map(PooledForm::decode).toList();
  }

  @Override
  public int code() {
    return MessageCode.POOLED_TRANSACTIONS;
  }

  @Override
  public Bytes encode() {
    return Payload.encodeReply(requestId, transactions);
  }

  /** Decodes a payload. */
  static PooledTransactions decode(Bytes payload) {
    return RlpList.decode(
        payload,
        r -> new PooledTransactions(r.number(), Payload.rawItems(r, EthLimits.MAX_HASHES)));
  }
}
