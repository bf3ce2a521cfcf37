// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.p2p.eth;

import dev.patchbay.api.p2p.ChainHead;
import dev.patchbay.api.p2p.DisconnectReason;
import dev.patchbay.api.p2p.PeerBreachException;
import dev.patchbay.primitives.BlockHeader;
import dev.patchbay.primitives.Bytes;
import dev.patchbay.primitives.Hash;
import dev.patchbay.primitives.UInt256;
import dev.patchbay.primitives.rlp.RlpList;

/**
 * Header and total difficulty of a {@link NewBlock}, whose body may be large and is not decoded.
 *
 * @param hash hash of the block
 * @param header the header
 * @param totalDifficulty total difficulty up to and with the block
 */
record NewBlockHeader(Hash hash, BlockHeader header, UInt256 totalDifficulty) {
  /** Returns the block as a head. */
  ChainHead head() {
    return new ChainHead(hash, header.number(), totalDifficulty);
  }

  /**
   * Returns the block that the sender certainly has: the parent, as some clients pass a block on
   * before they import it.
   *
   * @throws PeerBreachException when no block can have this number and total difficulty
   */
  ChainHead parent() throws PeerBreachException {
    NewBlock.checkTotal(totalDifficulty);
    UInt256 difficulty = header.difficulty();
    if (header.number() == 0 || totalDifficulty.compareTo(difficulty) < 0) {
      throw new PeerBreachException(
          DisconnectReason.PROTOCOL_BREACH,
          "block "
              + Long.toUnsignedString(header.number())
              + " of difficulty "
              + difficulty
              + " has a total difficulty of "
              + totalDifficulty);
    }
    return new ChainHead(
        header.parentHash(), header.number() - 1, totalDifficulty.subtract(difficulty));
  }

  /** Decodes a payload; the form of the body is not checked. */
  static NewBlockHeader decode(Bytes payload) {
    return RlpList.decode(
        payload,
        r -> {
          BlockHeader header = BlockHeader.read(r.list());
          return new NewBlockHeader(header.computeHash(), header, r.uint256());
        });
  }
}
