// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.trie;

/**
 * Thrown when the store lacks a node that its parent refers to, or holds one with another hash: the
 * store is damaged.
 */
public final class MissingNodeException extends RuntimeException {
  private static final long serialVersionUID = 1L;

  /** Creates an exception that says which node. */
  public MissingNodeException(String message) {
    super(message);
  }
}
