// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.api.chain;

import dev.patchbay.primitives.Hash;
import org.jspecify.annotations.Nullable;

/**
 * What becomes of a block that a consensus client hands over (execution-apis, {@code paris.md}).
 */
public sealed interface PayloadStatus {
  /** The block is valid, and so are all blocks before it. */
  record Valid() implements PayloadStatus {}

  /**
   * The block, or one before it, is invalid.
   *
   * @param latestValidHash hash of the nearest block before it that is valid; zero when that is one
   *     of proof of work, null when it is not known
   * @param reason which rule it violates, with the offending value
   */
  record Invalid(@Nullable Hash latestValidHash, String reason) implements PayloadStatus {}

  /** The parent is not there. */
  record Syncing() implements PayloadStatus {}

  /** The parent is there, and the state after it is not. */
  record Accepted() implements PayloadStatus {}
}
