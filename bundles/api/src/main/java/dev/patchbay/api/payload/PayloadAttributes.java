// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.api.payload;

import dev.patchbay.primitives.Address;
import dev.patchbay.primitives.Bytes;
import dev.patchbay.primitives.Hash;
import dev.patchbay.primitives.Transaction;
import dev.patchbay.primitives.Withdrawal;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * What a block after the merge is to hold besides transactions (execution-apis, {@code
 * PayloadAttributes}).
 *
 * @param timestamp seconds since the Unix epoch
 * @param prevRandao previous RANDAO
 * @param feeRecipient account that fees go to
 * @param withdrawals withdrawals; ignored before Shanghai
 * @param parentBeaconBlockRoot root of the parent beacon block; ignored before Cancun
 * @param extraData extra data of the header
 * @param slotNumber slot of the beacon block; null before Amsterdam (EIP-7843)
 * @param targetGasLimit gas limit towards which the block moves; null for that of the builder
 * @param rollup what the sequencer of a rollup says besides; null on other chains
 */
public record PayloadAttributes(
    long timestamp,
    Hash prevRandao,
    Address feeRecipient,
    List<Withdrawal> withdrawals,
    Hash parentBeaconBlockRoot,
    Bytes extraData,
    @Nullable Long slotNumber,
    @Nullable Long targetGasLimit,
    @Nullable Rollup rollup) {
  /**
   * What the sequencer of a rollup says (OP Stack specification, extended payload attributes).
   *
   * @param transactions what the block begins with, in this order
   * @param noTxPool whether the block holds nothing else
   * @param gasLimit gas limit of the block
   * @param eip1559Params denominator and elasticity of the base fee, 4 bytes each; null before
   *     Holocene
   * @param minBaseFee least base fee in wei per gas, unsigned; null before Jovian
   */
  public record Rollup(
      List<Transaction> transactions,
      boolean noTxPool,
      long gasLimit,
      @Nullable Bytes eip1559Params,
      @Nullable Long minBaseFee) {
    /** Copies the list. */
    public Rollup {
      transactions = List.copyOf(transactions);
    }
  }

  /** Copies the list. */
  public PayloadAttributes {
    withdrawals = List.copyOf(withdrawals);
  }
}
