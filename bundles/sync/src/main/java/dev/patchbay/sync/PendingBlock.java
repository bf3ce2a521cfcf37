// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.sync;

import dev.patchbay.primitives.Block;
import dev.patchbay.primitives.BlockHeader;
import dev.patchbay.primitives.Hash;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/**
 * A block whose header is verified or named, and which is not imported yet. Threading: of the
 * download.
 */
final class PendingBlock {
  final BlockHeader header;
  final Hash hash;

  /** The whole block; null while its body is missing, or lies in the chain. */
  @Nullable Block block;

  /** Reads the block from the chain, which has it; null when it does not. */
  private @Nullable Function<Hash, @Nullable Block> stored;

  /** Peers that are asked for its body now. */
  int requests;

  /** When the last of them was asked, in nanoseconds. */
  long requestedNanos;

  /**
   * Creates an entry.
   *
   * @param block the whole block; null when its body is missing
   */
  PendingBlock(BlockHeader header, Hash hash, @Nullable Block block) {
    this.header = header;
    this.hash = hash;
    this.block = block;
  }

  /**
   * Creates an entry of a block that the chain has, and that is read when its turn comes: there may
   * be many of them, and large ones.
   *
   * @param stored reads the block
   */
  PendingBlock(BlockHeader header, Hash hash, Function<Hash, @Nullable Block> stored) {
    this(header, hash, (Block) null);
    this.stored = stored;
  }

  /** Returns whether the body has to be fetched. */
  boolean isMissing() {
    return block == null && stored == null;
  }

  /** Returns the whole block, which may be read now; null when its body is missing. */
  @Nullable Block read() {
    if (block == null && stored != null) {
      block = stored.apply(hash);
      stored = null; // a block that was deleted in between is fetched
    }
    return block;
  }
}
