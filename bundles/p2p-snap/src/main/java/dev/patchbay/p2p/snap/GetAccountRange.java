// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.p2p.snap;

import dev.patchbay.primitives.Bytes;
import dev.patchbay.primitives.Hash;
import dev.patchbay.primitives.rlp.RlpList;

/**
 * Asks for accounts in the order of the hashes of their addresses (0x00).
 *
 * @param requestId id that the reply repeats, unsigned 64 bits
 * @param root root of the state
 * @param origin the first hash
 * @param limit the hash at or behind which the reply ends
 * @param bytes size of the accounts from which on the reply ends, unsigned 64 bits
 */
record GetAccountRange(long requestId, Hash root, Hash origin, Hash limit, long bytes) {
  /** Decodes a payload. */
  static GetAccountRange decode(Bytes payload) {
    return RlpList.decode(
        payload, r -> new GetAccountRange(r.number(), r.hash(), r.hash(), r.hash(), r.number()));
  }
}
