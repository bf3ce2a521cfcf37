// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.p2p.eth;

import dev.patchbay.api.p2p.DisconnectReason;
import dev.patchbay.api.p2p.PeerBreachException;
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
  /** As geth: ten million times the total difficulty that mainnet had. */
  private static final int MAX_TOTAL_BITS = 100;

  @Override
  public int code() {
    return MessageCode.NEW_BLOCK;
  }

  @Override
  public Bytes encode() {
    return RlpList.encode(w -> w.raw(block.encode()).number(totalDifficulty));
  }

  /**
   * Checks a total difficulty.
   *
   * @throws PeerBreachException when it is more than any chain has
   */
  static void checkTotal(UInt256 total) throws PeerBreachException {
    if (total.bitLength() > MAX_TOTAL_BITS) {
      throw new PeerBreachException(
          DisconnectReason.PROTOCOL_BREACH,
          "a total difficulty of " + total.bitLength() + " bits, at most " + MAX_TOTAL_BITS);
    }
  }

  /** Decodes a payload. */
  static NewBlock decode(Bytes payload) {
    return RlpList.decode(
        payload,
        r -> {
          Block block = new BlockBodyCodec().readBlock(r);
          return new NewBlock(block, r.uint256());
        });
  }
}
