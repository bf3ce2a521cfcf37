// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.api.execution;

import dev.patchbay.api.chain.InvalidBlockException;
import dev.patchbay.api.tracing.Tracer;
import dev.patchbay.primitives.Address;
import dev.patchbay.primitives.BlockHeader;
import dev.patchbay.primitives.Transaction;
import dev.patchbay.primitives.UInt256;
import dev.patchbay.primitives.Withdrawal;
import dev.patchbay.primitives.execution.ExecutionResult;
import dev.patchbay.primitives.execution.InvalidTransactionException;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import org.osgi.annotation.versioning.ProviderType;

/**
 * Blocks that are executed one after the other on top of a block of the chain, and never stored.
 * Holds a lease on the store: close it. Threading: one thread at a time.
 */
@ProviderType
public interface Simulation extends AutoCloseable {
  /**
   * Starts the next block: overrides, then the system calls.
   *
   * @param header the header as far as it is known: parent, number, time, limits, fees
   * @param blobBaseFee wei per blob gas in place of what the header gives; null for that
   * @param withdrawals withdrawals of the block; ignored before Shanghai
   * @throws IllegalArgumentException when a precompiled contract cannot be moved; the message says
   *     why
   */
  void begin(
      BlockHeader header,
      @Nullable UInt256 blobBaseFee,
      Map<Address, AccountOverride> overrides,
      List<Withdrawal> withdrawals);

  /** Returns the nonce of an account now. */
  long nonce(Address address);

  /**
   * Executes a transaction, with a sender in place of a signature, and appends it to the block.
   *
   * @param validates whether it must be one that a block could hold; otherwise its nonce is free,
   *     and fees are only paid when it names some
   * @throws InvalidTransactionException when it does not fit; the block is as before
   */
  ExecutionResult add(Transaction transaction, boolean validates, @Nullable Tracer tracer)
      throws InvalidTransactionException;

  /**
   * Ends the block.
   *
   * @throws InvalidBlockException when a system contract fails
   */
  BlockExecutor.Assembled finish() throws InvalidBlockException;

  @Override
  void close();
}
