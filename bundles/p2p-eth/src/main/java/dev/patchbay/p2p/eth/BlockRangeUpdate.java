// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.p2p.eth;

import dev.patchbay.primitives.Bytes;
import dev.patchbay.primitives.rlp.RlpList;

/**
 * Reports that the block range of a node has moved (0x11, from eth/69, EIP-7642).
 *
 * @param range the range now
 */
record BlockRangeUpdate(BlockRange range) implements EthMessage {
  @Override
  public int code() {
    return MessageCode.BLOCK_RANGE_UPDATE;
  }

  @Override
  public Bytes encode() {
    return RlpList.encode(range::write);
  }

  /** Decodes a payload. */
  static BlockRangeUpdate decode(Bytes payload) {
    return new BlockRangeUpdate(RlpList.decode(payload, BlockRange::read));
  }
}
