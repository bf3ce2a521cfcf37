// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.api.chain;

/** How the import of a block ended. */
public sealed interface ImportResult {
  /**
   * The block is valid and stored.
   *
   * @param becameHead whether it is the head now
   */
  record Imported(boolean becameHead) implements ImportResult {}

  /** The block was there before. */
  record Known() implements ImportResult {}

  /** The parent is not there. */
  record UnknownParent() implements ImportResult {}

  /**
   * The timestamp of the block is ahead of the clock of this node, by at most {@link
   * FutureBlockException#MAX_AHEAD_SECONDS}. Nothing was stored; the caller may import the block
   * again when its time has come. The sender of the block is not at fault: clocks differ.
   *
   * @param timestamp timestamp of the block, in seconds since the Unix epoch
   */
  record TooEarly(long timestamp) implements ImportResult {}

  /**
   * The block is invalid.
   *
   * @param reason which rule it violates, with the offending value
   */
  record Invalid(String reason) implements ImportResult {}
}
