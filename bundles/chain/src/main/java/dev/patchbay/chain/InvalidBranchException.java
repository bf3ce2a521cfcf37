// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.chain;

import dev.patchbay.api.chain.FutureBlockException;
import dev.patchbay.api.chain.InvalidBlockException;
import dev.patchbay.primitives.Block;
import org.jspecify.annotations.Nullable;

/** Thrown when a block violates a rule: the block that was asked for, or an ancestor of it. */
final class InvalidBranchException extends Exception {
  private static final long serialVersionUID = 1L;

  private final transient Block block;
  private final transient @Nullable FutureBlockException future;

  InvalidBranchException(Block block, InvalidBlockException reason) {
    super(reason.getMessage(), null, false, false);
    this.block = block;
    this.future = reason instanceof FutureBlockException early ? early : null;
  }

  /** Returns the violated rule when the block may be valid later; null for any other rule. */
  @Nullable FutureBlockException future() {
    return future;
  }

  /** Returns the invalid block. */
  Block block() {
    return block;
  }

  /** Returns the violated rule, with the offending value. */
  String reason() {
    return String.valueOf(getMessage());
  }
}
