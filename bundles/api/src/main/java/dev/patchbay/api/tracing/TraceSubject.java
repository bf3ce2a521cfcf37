// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.api.tracing;

import dev.patchbay.primitives.Hash;
import org.jspecify.annotations.Nullable;

/**
 * What a trace is about.
 *
 * @param blockHash hash of the block that holds the transaction; null for a call that is in none
 * @param blockNumber its number; that of the block the call is made on
 * @param transactionHash hash of the transaction; null for a call
 * @param transactionIndex position of the transaction in the block, from 0; 0 for a call
 * @param budget the memory that the trace may take; traces that are held together share one
 */
public record TraceSubject(
    @Nullable Hash blockHash,
    long blockNumber,
    @Nullable Hash transactionHash,
    int transactionIndex,
    TraceBudget budget) {
  /** Creates the subject of a trace that has a budget of its own. */
  public TraceSubject(
      @Nullable Hash blockHash,
      long blockNumber,
      @Nullable Hash transactionHash,
      int transactionIndex) {
    this(blockHash, blockNumber, transactionHash, transactionIndex, new TraceBudget());
  }
}
