// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.primitives.execution;

/**
 * Thrown when a transaction may not be part of a block. The message is geth's sentence for the
 * reason.
 */
public final class InvalidTransactionException extends Exception {
  private static final long serialVersionUID = 1L;

  /** Why a transaction is refused. */
  public enum Reason {
    /** Nonce below the account's. */
    NONCE_TOO_LOW,
    /** Nonce above the account's. */
    NONCE_TOO_HIGH,
    /** Nonce at its maximum (EIP-2681). */
    NONCE_MAX,
    /** Balance below cost. */
    INSUFFICIENT_FUNDS,
    /** Gas limit below intrinsic gas or the floor of EIP-7623. */
    INTRINSIC_GAS,
    /** Gas limit above what the block has left. */
    BLOCK_GAS,
    /** Longer than what the block has left (EIP-7934, or what networks can send). */
    BLOCK_SIZE,
    /** Gas limit above the limit of EIP-7825. */
    GAS_LIMIT_TOO_HIGH,
    /** Fee cap below the base fee. */
    FEE_CAP_TOO_LOW,
    /** Tip above fee cap. */
    TIP_ABOVE_FEE_CAP,
    /** Sender has code (EIP-3607). */
    SENDER_NOT_EOA,
    /** Init code too long (EIP-3860). */
    INIT_CODE_TOO_LARGE,
    /** Type not in force yet. */
    TYPE_NOT_SUPPORTED,
    /** Blob rules of EIP-4844. */
    BLOB,
    /** Authorization rules of EIP-7702. */
    AUTHORIZATION,
    /** Signature or chain id not valid. */
    SIGNATURE
  }

  private final Reason reason;

  /** Creates an exception. */
  public InvalidTransactionException(Reason reason, String message) {
    super(message);
    this.reason = reason;
  }

  /** Returns the reason. */
  public Reason reason() {
    return reason;
  }
}
