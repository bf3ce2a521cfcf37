// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.p2p.eth;

import dev.patchbay.primitives.Hash;
import dev.patchbay.primitives.rlp.RlpReader;
import dev.patchbay.primitives.rlp.RlpWriter;
import org.jspecify.annotations.Nullable;

/**
 * The blocks whose bodies and receipts a node has (EIP-7642).
 *
 * @param earliest number of the first one, unsigned 64 bits
 * @param latest number of the head, unsigned 64 bits
 * @param latestHash hash of the head
 */
record BlockRange(long earliest, long latest, Hash latestHash) implements PeerHead {
  /** Appends the three fields. */
  void write(RlpWriter writer) {
    writer.number(earliest).number(latest).hash(latestHash);
  }

  /** Reads the three fields. */
  static BlockRange read(RlpReader reader) {
    return new BlockRange(reader.number(), reader.number(), reader.hash());
  }

  /** Returns why no node can have this range; null when one can. */
  @Nullable String fault() {
    if (Long.compareUnsigned(earliest, latest) > 0) {
      return "the earliest block "
          + Long.toUnsignedString(earliest)
          + " is after the latest block "
          + Long.toUnsignedString(latest);
    }
    return latestHash.isZero() ? "the hash of the latest block is zero" : null;
  }
}
