// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.p2p.snap;

import dev.patchbay.primitives.Bytes;
import dev.patchbay.primitives.rlp.RlpList;
import dev.patchbay.primitives.rlp.RlpWriter;
import java.util.List;

/**
 * Codes in the order of the request, those left out that are not stored (0x05).
 *
 * @param requestId id of the request, unsigned 64 bits
 * @param codes the codes
 */
record ByteCodes(long requestId, List<Bytes> codes) implements SnapMessage {
  /** Copies the list. */
  ByteCodes {
    codes = List.copyOf(codes);
  }

  @Override
  public int code() {
    return MessageCode.BYTE_CODES;
  }

  @Override
  public Bytes encode() {
    return RlpList.encode(
        w -> {
          w.number(requestId);
          RlpList.write(w, codes, RlpWriter::bytes);
        });
  }
}
