// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.p2p.snap;

import dev.patchbay.primitives.Bytes;
import dev.patchbay.primitives.Hash;
import dev.patchbay.primitives.rlp.RlpException;
import dev.patchbay.primitives.rlp.RlpList;
import dev.patchbay.primitives.rlp.RlpReader;
import java.util.Arrays;
import java.util.List;

/**
 * Asks for slots of accounts in the order of the hashes of their keys (0x02).
 *
 * @param requestId id that the reply repeats, unsigned 64 bits
 * @param root root of the state
 * @param accounts hashes of the addresses
 * @param origin the first hash of a slot, of the first account alone
 * @param limit the hash at or behind which the slots of the first account end
 * @param bytes size of the slots from which on the reply ends, unsigned 64 bits
 */
record GetStorageRanges(
    long requestId, Hash root, List<Hash> accounts, Hash origin, Hash limit, long bytes) {
  /** The greatest hash. */
  static final Hash MAX_HASH = maxHash();

  /** Copies the list. */
  GetStorageRanges {
    accounts = List.copyOf(accounts);
  }

  private static Hash maxHash() {
    byte[] bytes = new byte[Hash.SIZE];
    Arrays.fill(bytes, (byte) 0xff);
    return Hash.wrap(bytes);
  }

  /** Decodes a payload. */
  static GetStorageRanges decode(Bytes payload) {
    return RlpList.decode(
        payload,
        r ->
            new GetStorageRanges(
                r.number(),
                r.hash(),
                RlpList.read(r, SnapLimits.MAX_ITEMS, RlpReader::hash),
                bound(r.byteArray(), Hash.ZERO),
                bound(r.byteArray(), MAX_HASH),
                r.number()));
  }

  /** Returns a bound of a range, which may lack leading zeros; the default when it is empty. */
  private static Hash bound(byte[] bytes, Hash whenEmpty) {
    if (bytes.length > Hash.SIZE) {
      throw new RlpException("a bound of a range has " + bytes.length + " bytes");
    }
    if (bytes.length == 0) {
      return whenEmpty;
    }
    byte[] padded = new byte[Hash.SIZE];
    System.arraycopy(bytes, 0, padded, Hash.SIZE - bytes.length, bytes.length);
    return Hash.wrap(padded);
  }
}
