// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.primitives.execution;

import dev.patchbay.primitives.Fork;
import dev.patchbay.primitives.Hash;
import dev.patchbay.primitives.Transaction;
import dev.patchbay.primitives.TransactionType;
import dev.patchbay.primitives.UInt256;
import dev.patchbay.primitives.execution.InvalidTransactionException.Reason;

/**
 * The rules for a transaction that depend on the fork alone, not on the state or on the rest of the
 * block: those that the execution of a block and a transaction pool have in common. Each method
 * checks one of them and throws {@link InvalidTransactionException}. Threading: stateless.
 */
public final class TransactionValidator {
  /** Most gas of a transaction from Osaka on (EIP-7825). */
  public static final long MAX_GAS = 1L << 24;

  /** Most blobs of a transaction from Osaka on (EIP-7594). */
  public static final int MAX_BLOBS = 6;

  /** Most bytes of init code from Shanghai on (EIP-3860). */
  public static final int MAX_INIT_CODE_BYTES = 49_152;

  private static final byte BLOB_HASH_VERSION = 1;

  private TransactionValidator() {}

  /**
   * Checks that the type is in force, and the rules of the type: blobs are named, in a permitted
   * number and by hashes of the known version (EIP-4844); there is an authorization (EIP-7702).
   *
   * @param maxBlobs how many blobs a block may hold
   */
  public static void checkType(Transaction tx, Fork fork, int maxBlobs)
      throws InvalidTransactionException {
    Fork needed =
        switch (tx.type()) {
          case LEGACY -> Fork.FRONTIER;
          case ACCESS_LIST -> Fork.BERLIN;
          case FEE_MARKET -> Fork.LONDON;
          case BLOB -> Fork.CANCUN;
          case SET_CODE -> Fork.PRAGUE;
          case DEPOSIT -> Fork.FRONTIER; // where the chain has them at all
        };
    if (!fork.includes(needed)) {
      throw invalid(Reason.TYPE_NOT_SUPPORTED, "transaction type not supported");
    }
    if (tx.type() == TransactionType.BLOB) {
      checkBlobs(tx, fork, maxBlobs);
    }
    if (tx.type() == TransactionType.SET_CODE && tx.authorizations().isEmpty()) {
      throw invalid(Reason.AUTHORIZATION, "EIP-7702 transaction with empty auth list");
    }
  }

  private static void checkBlobs(Transaction tx, Fork fork, int maxBlobs)
      throws InvalidTransactionException {
    int count = tx.blobVersionedHashes().size();
    if (count == 0) {
      throw invalid(Reason.BLOB, "blob transaction missing blob hashes");
    }
    int most = fork.includes(Fork.OSAKA) ? Math.min(MAX_BLOBS, maxBlobs) : maxBlobs;
    if (count > most) {
      throw invalid(
          Reason.BLOB, "blob transaction has too many blobs (" + count + ", at most " + most + ")");
    }
    for (Hash hash : tx.blobVersionedHashes()) {
      if (hash.unsafeArray()[0] != BLOB_HASH_VERSION) {
        throw invalid(Reason.BLOB, "blob hash has invalid version");
      }
    }
  }

  /** Checks the chain id of a transaction that has one (EIP-155). */
  public static void checkChainId(Transaction tx, Fork fork, UInt256 chainId)
      throws InvalidTransactionException {
    UInt256 own = tx.chainId();
    if (own != null && fork.includes(Fork.SPURIOUS_DRAGON) && !own.equals(chainId)) {
      throw invalid(
          Reason.SIGNATURE, "invalid chain id for signer: have " + own + " want " + chainId);
    }
  }

  /** Checks that the nonce has a successor (EIP-2681). */
  public static void checkNonce(Transaction tx) throws InvalidTransactionException {
    if (tx.nonce() == -1L) {
      throw invalid(Reason.NONCE_MAX, "nonce has max value");
    }
  }

  /** Checks the gas limit against the most that a transaction may have (EIP-7825). */
  public static void checkGasCap(Transaction tx, Fork fork) throws InvalidTransactionException {
    if (fork.includes(Fork.OSAKA) && Long.compareUnsigned(tx.gasLimit(), MAX_GAS) > 0) {
      throw invalid(
          Reason.GAS_LIMIT_TOO_HIGH,
          "transaction gas limit too high (cap: "
              + MAX_GAS
              + ", tx: "
              + Long.toUnsignedString(tx.gasLimit())
              + ")");
    }
  }

  /**
   * Checks the gas limit against the intrinsic gas and the floor of EIP-7623, and the length of
   * init code (EIP-3860).
   *
   * @return the least gas that the transaction uses (EIP-7623); 0 before Prague
   */
  public static long checkGas(Transaction tx, Fork fork) throws InvalidTransactionException {
    long intrinsic = IntrinsicGas.of(tx, fork);
    if (Long.compareUnsigned(tx.gasLimit(), intrinsic) < 0) {
      throw invalid(
          Reason.INTRINSIC_GAS,
          "intrinsic gas too low: have "
              + Long.toUnsignedString(tx.gasLimit())
              + ", want "
              + intrinsic);
    }
    long floor = IntrinsicGas.floor(tx, fork);
    if (Long.compareUnsigned(tx.gasLimit(), floor) < 0) {
      throw invalid(
          Reason.INTRINSIC_GAS,
          "insufficient gas for floor data gas cost: have "
              + Long.toUnsignedString(tx.gasLimit())
              + ", want "
              + floor);
    }
    if (tx.isCreation() && fork.includes(Fork.SHANGHAI) && tx.data().size() > MAX_INIT_CODE_BYTES) {
      throw invalid(
          Reason.INIT_CODE_TOO_LARGE,
          "max initcode size exceeded: code size "
              + tx.data().size()
              + " limit "
              + MAX_INIT_CODE_BYTES);
    }
    return floor;
  }

  /** Checks that the tip is not above the fee cap (EIP-1559). */
  public static void checkTip(Transaction tx) throws InvalidTransactionException {
    if (tx.maxPriorityFeePerGas().compareTo(tx.maxFeePerGas()) > 0) {
      throw invalid(
          Reason.TIP_ABOVE_FEE_CAP,
          "max priority fee per gas higher than max fee per gas: address "
              + senderText(tx)
              + ", maxPriorityFeePerGas: "
              + tx.maxPriorityFeePerGas()
              + ", maxFeePerGas: "
              + tx.maxFeePerGas());
    }
  }

  private static String senderText(Transaction tx) {
    var sender = tx.sender();
    return sender == null ? "unknown" : sender.toChecksumString();
  }

  private static InvalidTransactionException invalid(Reason reason, String message) {
    return new InvalidTransactionException(reason, message);
  }
}
