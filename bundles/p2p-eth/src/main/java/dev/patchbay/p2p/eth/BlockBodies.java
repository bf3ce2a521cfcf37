// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.p2p.eth;

import dev.patchbay.primitives.BlockBody;
import dev.patchbay.primitives.Bytes;
import dev.patchbay.primitives.rlp.RlpList;
import java.util.List;

/**
 * The reply to GetBlockBodies (0x06).
 *
 * @param requestId id of the request
 * @param bodies the bodies in RLP, at most {@link EthLimits#MAX_BLOCKS}
 */
record BlockBodies(long requestId, List<Bytes> bodies) implements EthReply {
  /** Copies the list. */
  BlockBodies {
    bodies = List.copyOf(bodies);
  }

  /**
   * Decodes the bodies.
   *
   * @throws dev.patchbay.primitives.rlp.RlpException when one is malformed, or they have more than
   *     {@link EthLimits#MAX_BODY_ITEMS} together
   */
  List<BlockBody> decodeBodies() {
    BlockBodyCodec codec = new BlockBodyCodec();
    return bodies.stream().map(codec::decode).toList();
  }

  @Override
  public int code() {
    return MessageCode.BLOCK_BODIES;
  }

  @Override
  public Bytes encode() {
    return Payload.encodeReply(requestId, bodies);
  }

  /** Decodes a payload. */
  static BlockBodies decode(Bytes payload) {
    return RlpList.decode(
        payload, r -> new BlockBodies(r.number(), Payload.rawItems(r, EthLimits.MAX_BLOCKS)));
  }
}
