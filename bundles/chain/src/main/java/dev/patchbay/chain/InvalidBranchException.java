// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.chain;

import dev.patchbay.api.chain.FutureBlockException;
import dev.patchbay.api.chain.InvalidBlockException;
import dev.patchbay.chain.BadBlocks.Rejection;
import dev.patchbay.primitives.Block;
import org.jspecify.annotations.Nullable;

/**
 * Thrown when a block violates a rule: the block that was asked for, or an ancestor of it; and when
 * an ancestor was rejected before.
 */
final class InvalidBranchException extends Exception {
  private static final long serialVersionUID = 1L;

  private final transient Block block;
  private final transient @Nullable FutureBlockException future;
  private final transient @Nullable Rejection rejection;

  InvalidBranchException(Block block, InvalidBlockException reason) {
    super(reason.getMessage(), null, false, false);
    this.block = block;
    this.future = reason instanceof FutureBlockException early ? early : null;
    this.rejection = null;
  }

  /** Reports a block, an ancestor of which was rejected before. */
  InvalidBranchException(Block block, Rejection rejection) {
    super(rejection.reason(), null, false, false);
    this.block = block;
    this.future = null;
    this.rejection = rejection;
  }

  /** Returns why an ancestor was rejected before; null when the block itself violates a rule. */
  @Nullable Rejection rejection() {
    return rejection;
  }

  /** Returns the violated rule when the block may be valid later; null for any other rule. */
  @Nullable FutureBlockException future() {
    return future;
  }

  /** Returns the invalid block, or the one with an ancestor that was rejected before. */
  Block block() {
    return block;
  }

  /** Returns the violated rule, with the offending value. */
  String reason() {
    return String.valueOf(getMessage());
  }
}
