// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.chain;

import dev.patchbay.api.chain.InvalidBlockException;
import dev.patchbay.primitives.Block;

/** Thrown when a block violates a rule: the block that was asked for, or an ancestor of it. */
final class InvalidBranchException extends Exception {
  private static final long serialVersionUID = 1L;

  private final transient Block block;

  InvalidBranchException(Block block, InvalidBlockException reason) {
    super(reason.getMessage(), null, false, false);
    this.block = block;
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
