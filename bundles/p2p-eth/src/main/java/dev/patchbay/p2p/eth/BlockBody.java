// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.p2p.eth;

import dev.patchbay.primitives.Block;
import dev.patchbay.primitives.BlockHeader;
import dev.patchbay.primitives.Bytes;
import dev.patchbay.primitives.Transaction;
import dev.patchbay.primitives.Withdrawal;
import dev.patchbay.primitives.rlp.RlpReader;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * A block without its header.
 *
 * @param transactions the transactions in order
 * @param ommers the headers of the ommers
 * @param withdrawals the withdrawals; null before Shanghai
 */
record BlockBody(
    List<Transaction> transactions,
    List<BlockHeader> ommers,
    @Nullable List<Withdrawal> withdrawals) {
  /** Copies the lists. */
  BlockBody {
    transactions = List.copyOf(transactions);
    ommers = List.copyOf(ommers);
    withdrawals = withdrawals == null ? null : List.copyOf(withdrawals);
  }

  /** A header and the body that follows it. */
  record Parsed(BlockHeader header, BlockBody body) {
    Block toBlock() {
      return body.toBlock(header);
    }
  }

  /** Returns the block with a header; whether the header is the one of this body is not checked. */
  Block toBlock(BlockHeader header) {
    return new Block(header, transactions, ommers, withdrawals);
  }

  /** Decodes one item of a BlockBodies message. */
  static BlockBody decode(Bytes item) {
    return Payload.decode(item, BlockBody::readFields);
  }

  /** Reads a block, a list of header and body. */
  static Parsed readBlock(RlpReader reader) {
    RlpReader r = reader.list();
    Parsed parsed = new Parsed(BlockHeader.read(r), readFields(r));
    r.expectEnd();
    return parsed;
  }

  private static BlockBody readFields(RlpReader r) {
    return new BlockBody(
        Payload.items(r, EthLimits.MAX_ITEMS, Transaction::readInBody),
        Payload.items(r, EthLimits.MAX_OMMERS, BlockHeader::read),
        r.hasNext() ? Payload.items(r, EthLimits.MAX_ITEMS, Withdrawal::read) : null);
  }
}
