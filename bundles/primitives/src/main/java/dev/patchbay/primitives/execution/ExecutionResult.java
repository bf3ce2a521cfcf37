// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.primitives.execution;

import dev.patchbay.primitives.Address;
import dev.patchbay.primitives.Bytes;
import dev.patchbay.primitives.Log;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * How a transaction or call ended.
 *
 * @param status success, revert or exceptional halt
 * @param gasUsed gas that the sender pays for, after refunds
 * @param gasRefunded refund that the sender got: with {@code gasUsed} the most gas that was needed
 *     at any moment
 * @param output returned data, or the data of a revert
 * @param logs logs written; none unless successful
 * @param error null on success, otherwise the reason in geth's words
 * @param contract address of the contract that was created; null unless a creation succeeded
 */
public record ExecutionResult(
    Status status,
    long gasUsed,
    long gasRefunded,
    Bytes output,
    List<Log> logs,
    @Nullable String error,
    @Nullable Address contract) {
  /** The ways to end. */
  public enum Status {
    /** Ended by STOP, RETURN or the end of the code. */
    SUCCESS,
    /** Ended by REVERT. */
    REVERT,
    /** Ended by an exception that takes all gas. */
    HALT
  }

  /** Copies the list. */
  public ExecutionResult {
    logs = List.copyOf(logs);
  }

  /** Returns whether the status is {@link Status#SUCCESS}. */
  public boolean success() {
    return status == Status.SUCCESS;
  }
}
