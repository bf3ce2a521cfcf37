// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.api.execution;

import dev.patchbay.api.chain.InvalidBlockException;
import dev.patchbay.primitives.Transaction;
import dev.patchbay.primitives.execution.ExecutionResult;
import dev.patchbay.primitives.execution.InvalidTransactionException;
import org.osgi.annotation.versioning.ProviderType;

/** A block that is being put together. Threading: one thread at a time. */
@ProviderType
public interface BlockAssembly {
  /** Returns the gas that is left in the block. */
  long gasLeft();

  /**
   * Executes a transaction and appends it.
   *
   * @throws InvalidTransactionException when it does not fit; the block is as before
   */
  ExecutionResult add(Transaction transaction) throws InvalidTransactionException;

  /**
   * Ends the block: system calls, requests and roots; call once.
   *
   * @throws InvalidBlockException when a system contract fails or a deposit is malformed: no valid
   *     block holds these transactions
   */
  BlockExecutor.Assembled finish() throws InvalidBlockException;
}
