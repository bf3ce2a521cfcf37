// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.primitives.execution;

import dev.patchbay.primitives.Address;
import dev.patchbay.primitives.Transaction;
import dev.patchbay.primitives.TransactionType;
import dev.patchbay.primitives.UInt256;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * Rules for the types and fees of the transactions of a block, in addition to those of the fork.
 * The defaults are the rules of Ethereum. Threading: any thread.
 */
public interface TransactionRules {
  /** Those of Ethereum. */
  TransactionRules ETHEREUM = new TransactionRules() {};

  /** Reads storage as it is between two transactions. */
  @FunctionalInterface
  interface Slots {
    /** Returns the value of a storage slot. */
    UInt256 get(Address address, UInt256 key);
  }

  /**
   * A fee that a sender pays besides gas.
   *
   * @param to who gets it
   * @param wei how much
   */
  record Fee(Address to, UInt256 wei) {}

  /** Returns whether a block may hold a type of transaction, in forks that know it. */
  default boolean allows(TransactionType type) {
    return type != TransactionType.DEPOSIT;
  }

  /**
   * Returns the fees that a transaction pays besides gas; they do not shrink when it uses more gas.
   *
   * @param gasUsed gas that it uses; its gas limit for the most that they can be
   */
  default List<Fee> fees(Transaction transaction, long gasUsed, Slots slots) {
    return List.of();
  }

  /**
   * Returns the maximum gas limit of a transaction of the pool: a block may begin with transactions
   * that take gas of it.
   *
   * @param blockGasLimit gas limit of the block
   */
  default long maxPoolGas(long blockGasLimit) {
    return blockGasLimit;
  }

  /** Returns who gets the base fee; null when it is burnt (EIP-1559). */
  default @Nullable Address baseFeeRecipient() {
    return null;
  }

  /** Returns whether a deposit uses all of its gas limit, and a system transaction no gas. */
  default boolean chargesDepositGasLimit() {
    return false;
  }

  /** Returns whether receipts of deposits have the nonce of the sender. */
  default boolean hasDepositNonce() {
    return false;
  }

  /** Returns the version of the receipts of deposits; null for those without. */
  default @Nullable Long depositReceiptVersion() {
    return null;
  }

  /**
   * Returns how much of the blob gas of its block a transaction takes.
   *
   * @param first the first transaction of the block; null when no block is asked for, but a
   *     simulation
   * @throws InvalidTransactionException when a block that begins so has no room for it
   */
  default long blobGas(Transaction transaction, @Nullable Transaction first)
      throws InvalidTransactionException {
    return IntrinsicGas.blobGas(transaction);
  }

  /** Returns the maximum input of precompiled contracts in bytes; the others accept any length. */
  default Map<Address, Integer> maxPrecompileInputBytes() {
    return Map.of();
  }

  /** Returns the price of P256VERIFY (EIP-7951, RIP-7212) before Osaka; null for without it. */
  default @Nullable Long p256VerifyGas() {
    return null;
  }
}
