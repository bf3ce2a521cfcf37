// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.p2p.chronos;

import org.jspecify.annotations.Nullable;

/** The codes of messages, as they are on the wire. */
enum MessageCode {
  SHAKEHAND,
  PULL_BLOCK,
  PUSH_BLOCK,
  NEW_BLOCK,
  NEW_BLOCK_HASH,
  GET_BLOCK,
  BLOCK_KNOWN,
  ERROR;

  /** Returns the code with a name, in upper case; null when there is none. */
  static @Nullable MessageCode of(String name) {
    for (MessageCode code : values()) {
      if (code.name().equals(name)) {
        return code;
      }
    }
    return null;
  }

  /** Returns whether messages of the code carry a block. */
  boolean hasBlock() {
    return this == PUSH_BLOCK || this == NEW_BLOCK;
  }
}
