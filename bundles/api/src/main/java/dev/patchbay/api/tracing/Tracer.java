// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.api.tracing;

import dev.patchbay.primitives.Address;
import dev.patchbay.primitives.Bytes;
import dev.patchbay.primitives.Log;
import dev.patchbay.primitives.Transaction;
import dev.patchbay.primitives.UInt256;
import org.jspecify.annotations.Nullable;
import org.osgi.annotation.versioning.ConsumerType;

/**
 * Follows one transaction or call. The EVM calls the hooks in the order of execution; one instance
 * serves one trace.
 *
 * <p>A hook that throws fails the trace, never the block. Nothing that a hook is handed may be kept
 * beyond the call, unless it is an immutable value.
 *
 * <p>Threading: all hooks of an instance are called by one thread.
 */
@ConsumerType
public interface Tracer {
  /** What a frame was entered by. */
  enum CallType {
    /** A message call, also the outermost one. */
    CALL,
    /** Foreign code on own storage with own caller and value semantics (Frontier). */
    CALLCODE,
    /** Foreign code on own storage with the caller's caller and value (EIP-7). */
    DELEGATECALL,
    /** A call that may not change the state (EIP-214). */
    STATICCALL,
    /** A contract creation. */
    CREATE,
    /** A contract creation at an address chosen by salt (EIP-1014). */
    CREATE2,
    /** The transfer of a destroyed contract's balance. */
    SELFDESTRUCT
  }

  /**
   * Called before anything is charged.
   *
   * @param context the block and the state; valid until {@link #onTransactionEnd} returns
   */
  default void onTransactionStart(TraceContext context, Transaction transaction, Address from) {}

  /**
   * Called when the transaction has ended.
   *
   * @param gasUsed gas the sender pays for, after refunds
   */
  default void onTransactionEnd(long gasUsed) {}

  /**
   * Called when a frame is entered, precompiled contracts included.
   *
   * @param depth 0 for the outermost frame
   * @param gas gas the frame may use
   */
  default void onEnter(
      int depth, CallType type, Address from, Address to, Bytes input, long gas, UInt256 value) {}

  /**
   * Called when a frame is left.
   *
   * @param output returned or reverted data; the deployed code of a creation
   * @param error null when the frame succeeded, otherwise why it failed, in geth's words
   * @param reverted whether the state changes of the frame were undone
   */
  default void onExit(
      int depth, Bytes output, long gasUsed, @Nullable String error, boolean reverted) {}

  /** Returns whether {@link #onStep} is to be called; asked once, before execution. */
  default boolean tracesSteps() {
    return false;
  }

  /** Called before each instruction. */
  default void onStep(Step step) {}

  /**
   * Called when the cost of the instruction last announced is known: before a frame that it opens
   * is entered.
   *
   * @param gasCost gas charged, the gas passed to a callee included
   */
  default void onStepEnd(long gasCost) {}

  /** Called when the instruction last announced failed exceptionally. */
  default void onFault(Step step, String error) {}

  /** Called when a log is written, even if a revert undoes it later. */
  default void onLog(Log log) {}

  /**
   * Returns the trace, made of maps, lists, strings, numbers, booleans and null only, ready to be
   * written as JSON; called once, after the end.
   */
  @Nullable Object result();
}
