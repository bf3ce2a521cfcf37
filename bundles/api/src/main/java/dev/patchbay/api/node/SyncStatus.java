// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.api.node;

import org.jspecify.annotations.Nullable;
import org.osgi.annotation.versioning.ConsumerType;

/**
 * Says how far the download of the chain from peers has come; a service, there only when the node
 * can do that. Threading: any thread.
 */
@ConsumerType
public interface SyncStatus {
  /**
   * How far a download has come.
   *
   * @param startingBlock number of the head when it began
   * @param currentBlock number of the head now
   * @param highestBlock number of the block that it goes to; an estimate while only its hash is
   *     known, greater than {@code currentBlock} then
   */
  record Progress(long startingBlock, long currentBlock, long highestBlock) {}

  /** Returns the progress; null when no download is under way. */
  @Nullable Progress progress();

  /** Describes the progress in one line for operators; null when no download is under way. */
  default @Nullable String describe() {
    Progress now = progress();
    return now == null ? null : "block " + now.currentBlock() + " of " + now.highestBlock();
  }
}
