// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.api.chain;

import dev.patchbay.api.storage.StorageException;

/**
 * Thrown when the body or the receipts of a canonical block are asked for, and have been pruned
 * (EIP-4444). Its header is available.
 */
public final class PrunedException extends StorageException {
  private static final long serialVersionUID = 1L;

  private final long number;

  /**
   * Creates an exception.
   *
   * @param number number of the canonical block that has been pruned
   * @param oldestBlock number of the first block that is available, but for the genesis block
   */
  public PrunedException(long number, long oldestBlock) {
    super(
        "pruned history unavailable: block "
            + number
            + " has been pruned, blocks are available from block "
            + oldestBlock
            + " on");
    this.number = number;
  }

  /** Returns the number of the canonical block that has been pruned. */
  public long number() {
    return number;
  }
}
