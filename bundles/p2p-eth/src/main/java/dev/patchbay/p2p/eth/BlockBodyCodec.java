// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.p2p.eth;

import dev.patchbay.primitives.Block;
import dev.patchbay.primitives.BlockBody;
import dev.patchbay.primitives.BlockHeader;
import dev.patchbay.primitives.Bytes;
import dev.patchbay.primitives.Transaction;
import dev.patchbay.primitives.Withdrawal;
import dev.patchbay.primitives.rlp.RlpList;
import dev.patchbay.primitives.rlp.RlpReader;

/** Decodes bodies of blocks within the limits of messages. */
final class BlockBodyCodec {
  private BlockBodyCodec() {}

  /** Decodes one item of a BlockBodies message. */
  static BlockBody decode(Bytes item) {
    return RlpList.decode(item, BlockBodyCodec::readFields);
  }

  /** Reads a block, a list of header and body. */
  static Block readBlock(RlpReader reader) {
    RlpReader r = reader.list();
    BlockHeader header = BlockHeader.read(r);
    Block block = readFields(r).toBlock(header);
    r.expectEnd();
    return block;
  }

  private static BlockBody readFields(RlpReader r) {
    return new BlockBody(
        RlpList.read(r, EthLimits.MAX_ITEMS, Transaction::readInBody),
        RlpList.read(r, EthLimits.MAX_OMMERS, BlockHeader::read),
        r.hasNext() ? RlpList.read(r, EthLimits.MAX_ITEMS, Withdrawal::read) : null);
  }
}
