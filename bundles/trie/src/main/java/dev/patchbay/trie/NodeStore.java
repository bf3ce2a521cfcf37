// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.trie;

import org.jspecify.annotations.Nullable;

/**
 * Where a trie finds its nodes. A node has an entry of its own only when others stand below it, or
 * when it is the root: a leaf is made from the key and the value that the store has anyway, and a
 * node of less than 32 bytes lives inside of its parent. All keys of a stored trie have one length.
 *
 * <p>Threading: any number of threads while a {@link Trie.Update} is under way.
 */
public interface NodeStore {
  /** A store without nodes: that of an empty trie. */
  NodeStore EMPTY =
      new NodeStore() {
        @Override
        public byte @Nullable [] get(byte[] path) {
          return null;
        }

        @Override
        public byte @Nullable [] value(byte[] key) {
          return null;
        }

        @Override
        public @Nullable Entry first(byte[] from) {
          return null;
        }
      };

  /**
   * A key and its value.
   *
   * @param key the key
   * @param value the value, as the trie holds it
   */
  record Entry(byte[] key, byte[] value) {}

  /**
   * Returns the RLP of a node, or null when there is none.
   *
   * @param path the nibbles from the root to the node, one a byte; empty for the root
   */
  byte @Nullable [] get(byte[] path);

  /** Returns the value of a key as of the last commit, or null when there is none. */
  byte @Nullable [] value(byte[] key);

  /**
   * Returns the entry with the lowest key that is not below {@code from} as of the last commit, or
   * null when there is none.
   */
  @Nullable Entry first(byte[] from);
}
