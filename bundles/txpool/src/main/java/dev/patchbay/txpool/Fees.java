// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.txpool;

import dev.patchbay.primitives.Transaction;
import dev.patchbay.primitives.TransactionType;
import dev.patchbay.primitives.UInt256;
import org.jspecify.annotations.Nullable;

/**
 * The fees of the next block, by which transactions are ordered.
 *
 * @param baseFee wei per gas; null before London
 * @param blobBaseFee wei per blob gas; null before Cancun
 */
record Fees(@Nullable UInt256 baseFee, @Nullable UInt256 blobBaseFee) {
  static final Fees NONE = new Fees(null, null);

  private static final UInt256 MAX_LONG = UInt256.of(Long.MAX_VALUE);

  /** The factor by which a base fee moves at most in one block (EIP-1559). */
  private static final double LOG_STEP = Math.log(1.125);

  /** Above all distances between fees of 256 bits. */
  private static final int MAX_STEPS = 2_000;

  /** Returns the score of a transaction whose earlier nonces are present. */
  Score score(Transaction tx) {
    int rank = -steps(tx.maxFeePerGas(), baseFee);
    if (tx.type() == TransactionType.BLOB) {
      rank = Math.min(rank, -steps(tx.maxFeePerBlobGas(), blobBaseFee));
    }
    boolean affordable = baseFee == null || tx.maxFeePerGas().compareTo(baseFee) >= 0;
    UInt256 tip =
        affordable ? tx.effectiveTip(baseFee) : tx.maxFeePerGas().min(tx.maxPriorityFeePerGas());
    return new Score(rank, tip.min(MAX_LONG).longValue());
  }

  /** Returns in how many blocks a fee can come down to a cap. */
  private static int steps(UInt256 cap, @Nullable UInt256 fee) {
    if (fee == null || cap.compareTo(fee) >= 0) {
      return 0;
    }
    if (cap.isZero()) {
      return MAX_STEPS;
    }
    double ratio = fee.toBigInteger().doubleValue() / cap.toBigInteger().doubleValue();
    return (int) Math.min(MAX_STEPS, Math.ceil(Math.log(ratio) / LOG_STEP));
  }
}
