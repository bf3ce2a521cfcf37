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
import java.util.List;
import java.util.function.Function;

/**
 * Decodes the bodies of one message within the limits of messages. Threading: one thread at a time.
 */
final class BlockBodyCodec {
  private int remainingItems = EthLimits.MAX_BODY_ITEMS;

  /** Decodes one item of a BlockBodies message. */
  BlockBody decode(Bytes item) {
    return RlpList.decode(item, r -> readFields(r, EthLimits.MAX_BODY_ITEMS));
  }

  /**
   * Reads a block, a list of header and body.
   *
   * @throws dev.patchbay.primitives.rlp.RlpException when it is malformed, or has more transactions
   *     than its gas limit allows
   */
  Block readBlock(RlpReader reader) {
    RlpReader r = reader.list();
    BlockHeader header = BlockHeader.read(r);
    long max = Long.divideUnsigned(header.gasLimit(), EthLimits.MIN_TRANSACTION_GAS);
    Block block = readFields(r, (int) Math.min(max, EthLimits.MAX_BODY_ITEMS)).toBlock(header);
    r.expectEnd();
    return block;
  }

  private BlockBody readFields(RlpReader r, int maxTransactions) {
    return new BlockBody(
        read(r, maxTransactions, Transaction::readInBody),
        read(r, EthLimits.MAX_OMMERS, BlockHeader::read),
        r.hasNext() ? read(r, EthLimits.MAX_BODY_ITEMS, Withdrawal::read) : null);
  }

  private <T> List<T> read(RlpReader r, int max, Function<RlpReader, T> item) {
    List<T> items = RlpList.read(r, Math.min(max, remainingItems), item);
    remainingItems -= items.size();
    return items;
  }
}
