// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.chain;

import dev.patchbay.chain.ExecutedBlocks.ExecutedBlock;
import dev.patchbay.primitives.Hash;
import org.jspecify.annotations.Nullable;

/**
 * The state after the tip of a side branch.
 *
 * @param head hash of the head whose state the writes lie on
 * @param headNumber number of that head
 * @param tip hash of the last block of the branch
 * @param commonAncestor number of the highest canonical block of the branch
 * @param writes the blocks above the common ancestor unwound, and the branch executed
 */
record SideBranch(Hash head, long headNumber, Hash tip, long commonAncestor, WriteSet writes) {
  /** A larger branch is computed again for its next block. */
  private static final long MAX_BYTES =
      Math.max(8L << 20, Math.min(128L << 20, Runtime.getRuntime().maxMemory() / 32));

  /** Returns the branch with another block; null when it is too large to keep. */
  @Nullable SideBranch with(ExecutedBlock next) {
    writes.addAll(next.writes());
    return writes.bytes() > MAX_BYTES
        ? null
        : new SideBranch(head, headNumber, next.block().hash(), commonAncestor, writes);
  }
}
