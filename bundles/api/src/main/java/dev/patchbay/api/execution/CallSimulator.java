// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.api.execution;

import dev.patchbay.api.tracing.Tracer;
import dev.patchbay.primitives.Address;
import dev.patchbay.primitives.BlockHeader;
import dev.patchbay.primitives.Bytes;
import dev.patchbay.primitives.Hash;
import dev.patchbay.primitives.Transaction;
import dev.patchbay.primitives.UInt256;
import dev.patchbay.primitives.execution.ExecutionResult;
import dev.patchbay.primitives.execution.InvalidTransactionException;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import org.osgi.annotation.versioning.ProviderType;

/** Executes calls that leave no trace. Threading: any thread. */
@ProviderType
public interface CallSimulator {
  /**
   * Parts of an account that a simulation replaces; null leaves a part as it is.
   *
   * @param balance in wei
   * @param nonce nonce
   * @param code code
   * @param slots storage slots
   */
  record AccountOverride(
      @Nullable UInt256 balance,
      @Nullable Long nonce,
      @Nullable Bytes code,
      Map<UInt256, UInt256> slots) {}

  /**
   * Executes a call on the state after a block.
   *
   * @param call a transaction with a sender in place of a signature
   * @param blockHash hash of the block
   * @param header its header
   * @throws InvalidTransactionException when the sender cannot pay or a limit is exceeded
   */
  ExecutionResult call(
      Transaction call,
      Hash blockHash,
      BlockHeader header,
      Map<Address, AccountOverride> overrides,
      @Nullable Tracer tracer)
      throws InvalidTransactionException;
}
