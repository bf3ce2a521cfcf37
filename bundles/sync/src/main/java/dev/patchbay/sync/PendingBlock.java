// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.sync;

import dev.patchbay.primitives.Block;
import dev.patchbay.primitives.BlockHeader;
import dev.patchbay.primitives.Hash;
import org.jspecify.annotations.Nullable;

/**
 * A block whose header is verified or named, and which is not imported yet. Threading: of the
 * download.
 */
final class PendingBlock {
  final BlockHeader header;
  final Hash hash;

  /** The whole block; null while its body is missing. */
  @Nullable Block block;

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
}
