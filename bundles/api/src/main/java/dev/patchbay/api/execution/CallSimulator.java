// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.api.execution;

import dev.patchbay.api.chain.InvalidBlockException;
import dev.patchbay.api.tracing.Tracer;
import dev.patchbay.primitives.Address;
import dev.patchbay.primitives.Block;
import dev.patchbay.primitives.BlockHeader;
import dev.patchbay.primitives.Hash;
import dev.patchbay.primitives.Transaction;
import dev.patchbay.primitives.execution.ExecutionResult;
import dev.patchbay.primitives.execution.InvalidTransactionException;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import org.osgi.annotation.versioning.ProviderType;

/** Executes calls and blocks that leave no trace. Threading: any thread. */
@ProviderType
public interface CallSimulator {
  /**
   * What a call finds different from the chain.
   *
   * @param accounts overrides by address
   * @param block overrides of the block
   */
  record Overrides(Map<Address, AccountOverride> accounts, BlockOverride block) {
    /** Nothing is different. */
    public static final Overrides NONE = new Overrides(Map.of(), BlockOverride.NONE);
  }

  /**
   * Executes a call on the state after a block. A call that names no fees finds a base fee of zero.
   *
   * @param call a transaction with a sender in place of a signature
   * @param blockHash hash of the block
   * @param header its header
   * @throws InvalidTransactionException when the sender cannot pay or a limit is exceeded
   * @throws IllegalArgumentException when there is no state after the block, or a precompiled
   *     contract cannot be moved
   */
  ExecutionResult call(
      Transaction call,
      Hash blockHash,
      BlockHeader header,
      Overrides overrides,
      @Nullable Tracer tracer)
      throws InvalidTransactionException;

  /**
   * Executes a call as {@link #call(Transaction, Hash, BlockHeader, Overrides, Tracer)} does, on
   * the state between transactions of a block.
   *
   * @param block a block that is not genesis
   * @param count transactions of the block that are executed before, at most all
   * @throws InvalidBlockException when one of them cannot be executed
   */
  ExecutionResult call(
      Transaction call, Block block, int count, Overrides overrides, @Nullable Tracer tracer)
      throws InvalidTransactionException, InvalidBlockException;

  /**
   * Starts to simulate blocks on top of a block.
   *
   * @throws IllegalArgumentException when there is no state after the block
   */
  Simulation simulate(Hash blockHash);
}
