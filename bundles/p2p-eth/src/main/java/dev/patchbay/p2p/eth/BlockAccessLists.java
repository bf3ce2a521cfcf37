// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.p2p.eth;

import dev.patchbay.primitives.Bytes;
import dev.patchbay.primitives.rlp.RlpList;
import java.util.List;

/**
 * The reply to GetBlockAccessLists (0x13, from eth/71, EIP-8159).
 *
 * @param requestId id of the request
 * @param accessLists for each block its access list in RLP (EIP-7928), or the empty string where
 *     the sender does not have it; at most {@link EthLimits#MAX_BLOCKS}
 */
record BlockAccessLists(long requestId, List<Bytes> accessLists) implements EthReply {
  /** The entry of a block whose access list the sender does not have: the empty string. */
  static final Bytes UNAVAILABLE = Bytes.wrap(new byte[] {(byte) 0x80});

  /** Copies the list. */
  BlockAccessLists {
    accessLists = List.copyOf(accessLists);
  }

  @Override
  public int code() {
    return MessageCode.BLOCK_ACCESS_LISTS;
  }

  @Override
  public Bytes encode() {
    return Payload.encodeReply(requestId, accessLists);
  }

  /** Decodes a payload. */
  static BlockAccessLists decode(Bytes payload) {
    return RlpList.decode(
        payload, r -> new BlockAccessLists(r.number(), Payload.rawItems(r, EthLimits.MAX_BLOCKS)));
  }
}
