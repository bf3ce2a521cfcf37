// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.trie;

import org.jspecify.annotations.Nullable;

/**
 * Where a trie finds the RLP of its nodes. A node of less than 32 bytes lives inside of its parent
 * and has no entry of its own, except for the root.
 */
@FunctionalInterface
public interface NodeStore {
  /** A store without nodes: that of an empty trie. */
  NodeStore EMPTY = path -> null;

  /**
   * Returns the RLP of a node, or null when there is none.
   *
   * @param path the nibbles from the root to the node, one a byte; empty for the root
   */
  byte @Nullable [] get(byte[] path);
}
