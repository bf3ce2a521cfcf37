// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.trie;

/** Takes the nodes that a commit changes. Paths are nibbles, one a byte. */
public interface NodeSink {
  /** Stores the RLP of the node at a path. */
  void put(byte[] path, byte[] rlp);

  /** Removes the node at a path. */
  void remove(byte[] path);
}
