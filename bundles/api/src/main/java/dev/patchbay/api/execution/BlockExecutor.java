// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.api.execution;

import dev.patchbay.api.chain.InvalidBlockException;
import dev.patchbay.api.state.StateReader;
import dev.patchbay.api.tracing.Tracer;
import dev.patchbay.primitives.Address;
import dev.patchbay.primitives.Block;
import dev.patchbay.primitives.BlockHeader;
import dev.patchbay.primitives.Bytes;
import dev.patchbay.primitives.Hash;
import dev.patchbay.primitives.Receipt;
import dev.patchbay.primitives.Withdrawal;
import dev.patchbay.primitives.execution.Reward;
import dev.patchbay.primitives.execution.StateChanges;
import java.util.List;
import java.util.function.Function;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;
import org.osgi.annotation.versioning.ProviderType;

/** Executes blocks. Threading: any thread. */
@ProviderType
public interface BlockExecutor {
  /**
   * What a block did.
   *
   * @param receipts a receipt for each transaction
   * @param gasUsed gas of all transactions
   * @param blobGasUsed blob gas of all transactions
   * @param requests the requests of EIP-7685, each with its type byte; null before Prague
   * @param accessList RLP of the block access list (EIP-7928); null before Amsterdam
   * @param changes what it changed in the state
   */
  record Outcome(
      List<Receipt> receipts,
      long gasUsed,
      long blobGasUsed,
      @Nullable List<byte[]> requests,
      @Nullable Bytes accessList,
      StateChanges changes) {}

  /**
   * A block that was put together.
   *
   * @param block the block, whole but for a seal
   * @param outcome what it does
   */
  record Assembled(Block block, Outcome outcome) {}

  /**
   * Executes all of a block on the state after its parent, and checks gas, receipts, bloom,
   * requests and block access list against the header; the state root is left to the caller.
   *
   * @param roots gives the state root after changes to the state of {@code parent}: receipts before
   *     Byzantium hold one each
   * @throws InvalidBlockException when a transaction is not valid or the header does not fit
   */
  Outcome execute(Block block, StateReader parent, Function<StateChanges, Hash> roots)
      throws InvalidBlockException;

  /**
   * Starts to build a block. Its RLP gets no longer than EIP-7934 allows, in each fork, and no
   * longer than each network that is registered now can send it ({@link
   * dev.patchbay.api.p2p.Network#maxBlockBytes}).
   *
   * @param header the header as far as it is known: number, time, limits, fees
   * @param feeRecipient account that the fees go to
   * @param withdrawals withdrawals of the block; ignored before Shanghai
   * @param parent the state after the parent that the header names
   */
  BlockAssembly assemble(
      BlockHeader header, Address feeRecipient, List<Withdrawal> withdrawals, StateReader parent);

  /** Follows the transactions of a block. */
  @FunctionalInterface
  interface Follower {
    /** Follows nothing. */
    Follower NONE = index -> null;

    /** Returns the tracer of a transaction, or null; called when the one before has ended. */
    @Nullable Tracer tracer(int index);

    /**
     * Called when a transaction has ended.
     *
     * @param changes gives what has changed since the state of the parent; valid during the call
     */
    default void onEnd(int index, Supplier<StateChanges> changes) {}
  }

  /**
   * Executes the first transactions of a block and follows them.
   *
   * @param count how many transactions are executed
   * @return what they changed, the system calls at the start of the block included
   * @throws InvalidBlockException when the block does not execute: the state is not that of its
   *     parent
   */
  StateChanges replay(Block block, int count, StateReader parent, Follower follower)
      throws InvalidBlockException;

  /**
   * Returns the RLP of the block access list of a block (EIP-7928): it is executed again, lists are
   * not stored.
   *
   * @return null before Amsterdam, and when the state before the block is not there
   */
  @Nullable Bytes accessList(Block block);

  /**
   * Returns the block rewards, without fees (Yellow Paper, section 11.3): those of the ommers in
   * their order, then that of the block. Empty when the chain has none.
   */
  List<Reward> rewards(Block block);
}
