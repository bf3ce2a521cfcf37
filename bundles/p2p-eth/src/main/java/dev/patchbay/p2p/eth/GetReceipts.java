// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.p2p.eth;

import dev.patchbay.primitives.Bytes;
import dev.patchbay.primitives.Hash;
import dev.patchbay.primitives.rlp.RlpList;
import dev.patchbay.primitives.rlp.RlpWriter;
import java.util.List;

/**
 * Asks for the receipts of blocks (0x0f).
 *
 * @param version version of the connection, which decides the layout
 * @param requestId id that the reply repeats, unsigned 64 bits
 * @param firstReceipt how many receipts of the first block the reply leaves out, unsigned 64 bits;
 *     0 before eth/70 (EIP-7975)
 * @param hashes hashes of the blocks, at most {@link EthLimits#MAX_BLOCKS}
 */
record GetReceipts(EthVersion version, long requestId, long firstReceipt, List<Hash> hashes)
    implements EthMessage {
  /** Copies the list. */
  GetReceipts {
    hashes = List.copyOf(hashes);
  }

  @Override
  public int code() {
    return MessageCode.GET_RECEIPTS;
  }

  @Override
  public Bytes encode() {
    return RlpList.encode(
        w -> {
          w.number(requestId);
          if (version.hasPartialReceipts()) {
            w.number(firstReceipt);
          }
          RlpList.write(w, hashes, RlpWriter::hash);
        });
  }

  /** Decodes a payload. */
  static GetReceipts decode(EthVersion version, Bytes payload) {
    return RlpList.decode(
        payload,
        r ->
            new GetReceipts(
                version,
                r.number(),
                version.hasPartialReceipts() ? r.number() : 0,
                Payload.hashes(r, EthLimits.MAX_BLOCKS)));
  }
}
