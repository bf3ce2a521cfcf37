// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.api.chain;

import dev.patchbay.api.storage.StorageException;

/**
 * Thrown when a block cannot become canonical, as its branch leaves the chain too far below the
 * head: what the head would be unwound with has been pruned, or the chain is final there. The store
 * is well, and other blocks can be imported.
 */
public final class SettledException extends StorageException {
  private static final long serialVersionUID = 1L;

  /**
   * Creates an exception.
   *
   * @param message which block it is, and what the head can go back to
   */
  public SettledException(String message) {
    super(message);
  }
}
