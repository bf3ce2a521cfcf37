// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.api.evm;

import dev.patchbay.api.tracing.Tracer;
import dev.patchbay.primitives.Address;
import dev.patchbay.primitives.Bytes;
import dev.patchbay.primitives.Transaction;
import dev.patchbay.primitives.UInt256;
import dev.patchbay.primitives.execution.BlockContext;
import dev.patchbay.primitives.execution.ExecutionResult;
import dev.patchbay.primitives.execution.InvalidTransactionException;
import dev.patchbay.primitives.execution.StateChanges;
import org.jspecify.annotations.Nullable;
import org.osgi.annotation.versioning.ConsumerType;

/**
 * The execution of the transactions of one block, one after the other. Threading: one thread at a
 * time.
 */
@ConsumerType
public interface EvmExecution {
  /**
   * Executes a transaction; its effects are seen by the next.
   *
   * @param gasLeft gas that the block has left
   * @param tracer follows the execution; null for none
   * @throws InvalidTransactionException when it may not be part of the block; nothing has changed
   *     then
   */
  ExecutionResult transact(Transaction transaction, long gasLeft, @Nullable Tracer tracer)
      throws InvalidTransactionException;

  /**
   * Executes a call as {@code eth_call} does: any sender, no nonce, free of fees when none are
   * given.
   *
   * @param validates whether nonce and fees are checked all the same
   */
  ExecutionResult simulate(Transaction call, boolean validates, @Nullable Tracer tracer)
      throws InvalidTransactionException;

  /** Makes a system call; null when there is no code at the address. */
  @Nullable ExecutionResult systemCall(Address to, Bytes input);

  /** Adds to a balance, outside of any transaction. */
  void credit(Address address, UInt256 wei);

  /** Replaces parts of an account before a simulation; null leaves a part as it is. */
  void override(
      Address address, @Nullable UInt256 balance, @Nullable Long nonce, @Nullable Bytes code);

  /** Sets a storage slot before a simulation. */
  void override(Address address, UInt256 key, UInt256 value);

  /** Removes all storage slots of an account before a simulation. */
  void clearStorage(Address address);

  /** Returns whether there is a precompiled contract at an address. */
  boolean isPrecompile(Address address);

  /**
   * Takes the precompiled contract away from an address before a simulation, for this block only.
   *
   * @param to where it is instead; null for nowhere
   */
  void movePrecompile(Address from, @Nullable Address to);

  /** Goes on in another block with the state as it is now; this object is used no more. */
  EvmExecution next(BlockContext block);

  /** Returns the nonce of an account now. */
  long nonce(Address address);

  /** Returns the balance of an account now, in wei. */
  UInt256 balance(Address address);

  /** Returns the value of a storage slot now. */
  UInt256 storage(Address address, UInt256 key);

  /**
   * Says which index of the block access list changes have from now on (EIP-7928): 0 before the
   * transactions, then that of each transaction from 1, and one more after them.
   */
  void accessIndex(int index);

  /** Returns the RLP of the block access list so far (EIP-7928); null before Amsterdam. */
  @Nullable Bytes accessList();

  /** Returns what has changed since the start. */
  StateChanges changes();
}
