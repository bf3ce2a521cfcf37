// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.api.txpool;

/** The result of adding a transaction. */
public sealed interface AddResult {
  /** It is in the pool. */
  record Accepted() implements AddResult {}

  /**
   * It is not.
   *
   * @param reason why
   * @param message geth's sentence for the reason
   */
  record Rejected(Reason reason, String message) implements AddResult {}

  /** Why a transaction is rejected. */
  enum Reason {
    /** It is in the pool, or in the chain. */
    ALREADY_KNOWN,
    /** Nonce below the account's. */
    NONCE_TOO_LOW,
    /** Balance below cost. */
    INSUFFICIENT_FUNDS,
    /** Gas limit above the block's. */
    GAS_LIMIT,
    /** Fees too low for the pool, or to replace another transaction. */
    UNDERPRICED,
    /** The pool is full, of what pays at least as much, or of transactions of the same sender. */
    POOL_FULL,
    /**
     * Its blobs do not match its versioned hashes, or their KZG proofs are invalid. The hash of a
     * transaction does not cover its blobs: the same transaction can be valid with others.
     */
    INVALID_BLOBS,
    /** Anything else that makes it invalid. */
    INVALID
  }
}
