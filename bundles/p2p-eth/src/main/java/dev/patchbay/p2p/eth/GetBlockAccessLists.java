// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.p2p.eth;

import dev.patchbay.primitives.Bytes;
import dev.patchbay.primitives.Hash;
import dev.patchbay.primitives.rlp.RlpList;
import java.util.List;

/**
 * Asks for block access lists (0x12, from eth/71, EIP-8159).
 *
 * @param requestId id that the reply repeats, unsigned 64 bits
 * @param hashes hashes of the blocks, at most {@link EthLimits#MAX_BLOCKS}
 */
record GetBlockAccessLists(long requestId, List<Hash> hashes) implements EthMessage {
  /** Copies the list. */
  GetBlockAccessLists {
    hashes = List.copyOf(hashes);
  }

  @Override
  public int code() {
    return MessageCode.GET_BLOCK_ACCESS_LISTS;
  }

  @Override
  public Bytes encode() {
    return Payload.encodeRequest(requestId, hashes);
  }

  /** Decodes a payload. */
  static GetBlockAccessLists decode(Bytes payload) {
    return RlpList.decode(
        payload, r -> new GetBlockAccessLists(r.number(), Payload.hashes(r, EthLimits.MAX_BLOCKS)));
  }
}
