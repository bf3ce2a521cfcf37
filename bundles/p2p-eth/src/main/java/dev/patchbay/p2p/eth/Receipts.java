// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.p2p.eth;

import dev.patchbay.primitives.Bytes;
import dev.patchbay.primitives.Receipt;
import dev.patchbay.primitives.rlp.RlpException;
import dev.patchbay.primitives.rlp.RlpList;
import dev.patchbay.primitives.rlp.RlpReader;
import java.util.ArrayList;
import java.util.List;

/**
 * The reply to GetReceipts (0x10).
 *
 * @param version version of the connection, which decides the layout
 * @param requestId id of the request
 * @param lastBlockIncomplete whether the last block has more receipts; false before eth/70
 *     (EIP-7975)
 * @param blocks for each block the list of its receipts in RLP, at most {@link
 *     EthLimits#MAX_BLOCKS}
 */
record Receipts(EthVersion version, long requestId, boolean lastBlockIncomplete, List<Bytes> blocks)
    implements EthReply {
  /** Copies the list. */
  Receipts {
    blocks = List.copyOf(blocks);
  }

  /**
   * Decodes the receipts of each block.
   *
   * @throws RlpException when one is malformed, or there are more than {@link EthLimits#MAX_ITEMS}
   */
  List<List<Receipt>> decodeBlocks() {
    List<List<Receipt>> out = new ArrayList<>();
    int count = 0;
    for (Bytes block : blocks) {
      List<Receipt> receipts =
          RlpList.read(
              RlpReader.of(block.unsafeArray()),
              EthLimits.MAX_ITEMS - count,
              r -> ReceiptCodec.read(r, version));
      count += receipts.size();
      out.add(receipts);
    }
    return out;
  }

  @Override
  public int code() {
    return MessageCode.RECEIPTS;
  }

  @Override
  public Bytes encode() {
    return RlpList.encode(
        w -> {
          w.number(requestId);
          if (version.hasPartialReceipts()) {
            w.number(lastBlockIncomplete ? 1 : 0);
          }
          Payload.writeRaw(w, blocks);
        });
  }

  /** Decodes a payload. */
  static Receipts decode(EthVersion version, Bytes payload) {
    return RlpList.decode(
        payload,
        r -> {
          long requestId = r.number();
          long incomplete = version.hasPartialReceipts() ? r.number() : 0;
          if (incomplete != 0 && incomplete != 1) {
            throw new RlpException("lastBlockIncomplete is " + Long.toUnsignedString(incomplete));
          }
          List<Bytes> blocks = Payload.rawItems(r, EthLimits.MAX_BLOCKS);
          return new Receipts(version, requestId, incomplete == 1, blocks);
        });
  }
}
