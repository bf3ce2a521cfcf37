// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.p2p.eth;

import dev.patchbay.primitives.Bytes;
import dev.patchbay.primitives.Hash;
import dev.patchbay.primitives.rlp.RlpList;
import java.util.List;

/**
 * Asks for transactions of the pool (0x09).
 *
 * @param requestId id that the reply repeats, unsigned 64 bits
 * @param hashes hashes of the transactions, at most {@link EthLimits#MAX_HASHES}
 */
record GetPooledTransactions(long requestId, List<Hash> hashes) implements EthMessage {
  /** Copies the list. */
  GetPooledTransactions {
    hashes = List.copyOf(hashes);
  }

  @Override
  public int code() {
    return MessageCode.GET_POOLED_TRANSACTIONS;
  }

  @Override
  public Bytes encode() {
    return Payload.encodeRequest(requestId, hashes);
  }

  /** Decodes a payload. */
  static GetPooledTransactions decode(Bytes payload) {
    return RlpList.decode(
        payload,
        r -> new GetPooledTransactions(r.number(), Payload.hashes(r, EthLimits.MAX_HASHES)));
  }
}
