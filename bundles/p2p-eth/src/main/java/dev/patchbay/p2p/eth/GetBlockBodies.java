// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.p2p.eth;

import dev.patchbay.primitives.Bytes;
import dev.patchbay.primitives.Hash;
import dev.patchbay.primitives.rlp.RlpList;
import java.util.List;

/**
 * Asks for the bodies of blocks (0x05).
 *
 * @param requestId id that the reply repeats, unsigned 64 bits
 * @param hashes hashes of the blocks, at most {@link EthLimits#MAX_BLOCKS}
 */
record GetBlockBodies(long requestId, List<Hash> hashes) implements EthMessage {
  /** Copies the list. */
  GetBlockBodies {
    hashes = List.copyOf(hashes);
  }

  @Override
  public int code() {
    return MessageCode.GET_BLOCK_BODIES;
  }

  @Override
  public Bytes encode() {
    return Payload.encodeRequest(requestId, hashes);
  }

  /** Decodes a payload. */
  static GetBlockBodies decode(Bytes payload) {
    return RlpList.decode(
        payload, r -> new GetBlockBodies(r.number(), Payload.hashes(r, EthLimits.MAX_BLOCKS)));
  }
}
