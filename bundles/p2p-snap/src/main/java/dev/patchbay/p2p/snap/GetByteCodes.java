// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.p2p.snap;

import dev.patchbay.primitives.Bytes;
import dev.patchbay.primitives.Hash;
import dev.patchbay.primitives.rlp.RlpList;
import dev.patchbay.primitives.rlp.RlpReader;
import java.util.List;

/**
 * Asks for codes (0x04).
 *
 * @param requestId id that the reply repeats, unsigned 64 bits
 * @param hashes hashes of the codes
 * @param bytes size of the codes from which on the reply ends, unsigned 64 bits
 */
record GetByteCodes(long requestId, List<Hash> hashes, long bytes) {
  /** Copies the list. */
  GetByteCodes {
    hashes = List.copyOf(hashes);
  }

  /** Decodes a payload. */
  static GetByteCodes decode(Bytes payload) {
    return RlpList.decode(
        payload,
        r ->
            new GetByteCodes(
                r.number(), RlpList.read(r, SnapLimits.MAX_ITEMS, RlpReader::hash), r.number()));
  }
}
