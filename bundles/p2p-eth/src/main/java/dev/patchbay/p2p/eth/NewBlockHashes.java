// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.p2p.eth;

import dev.patchbay.primitives.Bytes;
import dev.patchbay.primitives.Hash;
import dev.patchbay.primitives.rlp.RlpList;
import dev.patchbay.primitives.rlp.RlpReader;
import java.util.List;

/**
 * Announces blocks (0x01), on chains without a consensus client.
 *
 * @param blocks the blocks, at most {@link EthLimits#MAX_HASHES}
 */
record NewBlockHashes(List<Announced> blocks) implements EthMessage {
  /**
   * An announced block.
   *
   * @param hash its hash
   * @param number its number, unsigned 64 bits
   */
  record Announced(Hash hash, long number) {
    private static Announced read(RlpReader reader) {
      RlpReader r = reader.list();
      Announced block = new Announced(r.hash(), r.number());
      r.expectEnd();
      return block;
    }
  }

  /** Copies the list. */
  NewBlockHashes {
    blocks = List.copyOf(blocks);
  }

  @Override
  public int code() {
    return MessageCode.NEW_BLOCK_HASHES;
  }

  @Override
  public Bytes encode() {
    return RlpList.encode(
        w -> blocks.forEach(block -> w.list(i -> i.hash(block.hash()).number(block.number()))));
  }

  /** Decodes a payload. */
  static NewBlockHashes decode(Bytes payload) {
    RlpReader reader = RlpReader.of(payload.unsafeArray());
    List<Announced> blocks = RlpList.read(reader, EthLimits.MAX_HASHES, Announced::read);
    reader.expectEnd();
    return new NewBlockHashes(blocks);
  }
}
