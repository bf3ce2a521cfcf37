// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.p2p.eth;

import dev.patchbay.primitives.Block;
import dev.patchbay.primitives.Bytes;
import dev.patchbay.primitives.UInt256;
import dev.patchbay.primitives.rlp.RlpList;

/**
 * Sends a new block (0x07), on chains without a consensus client.
 *
 * @param block the block
 * @param totalDifficulty total difficulty up to and with the block
 */
record NewBlock(Block block, UInt256 totalDifficulty) implements EthMessage {
  @Override
  public int code() {
    return MessageCode.NEW_BLOCK;
  }

  @Override
  public Bytes encode() {
    return RlpList.encode(w -> w.raw(block.encode()).number(totalDifficulty));
  }

  /** Decodes a payload. */
  static NewBlock decode(Bytes payload) {
    return RlpList.decode(
        payload,
        r -> {
          Block block = BlockBodyCodec.readBlock(r);
          return new NewBlock(block, r.uint256());
        });
  }
}
