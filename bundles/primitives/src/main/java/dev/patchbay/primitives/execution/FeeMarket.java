// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.primitives.execution;

import dev.patchbay.primitives.BlobSchedule;
import dev.patchbay.primitives.BlockHeader;
import dev.patchbay.primitives.Fork;
import dev.patchbay.primitives.UInt256;
import java.math.BigInteger;

/** How fees follow from the parent block (EIP-1559, EIP-4844, EIP-7918). Threading: stateless. */
public final class FeeMarket {
  /** Base fee of the first London block, in wei per gas. */
  public static final UInt256 INITIAL_BASE_FEE = UInt256.of(1_000_000_000L);

  /** Gas of one blob. */
  public static final long BLOB_GAS = 131_072;

  private static final BigInteger BLOB_BASE_COST = BigInteger.valueOf(8192);

  private FeeMarket() {}

  /** Returns the base fee of the block after {@code parent}, in wei per gas (EIP-1559). */
  public static UInt256 nextBaseFee(BlockHeader parent) {
    UInt256 current = parent.baseFeePerGas();
    if (current == null) {
      return INITIAL_BASE_FEE;
    }
    return nextBaseFee(current, parent.gasUsed(), parent.gasLimit() / 2, 8);
  }

  /**
   * Returns the base fee after a block, in wei per gas (EIP-1559).
   *
   * @param current base fee of the block
   * @param gasUsed gas that the block used
   * @param target gas at which the fee stays
   * @param denominator how slowly the fee moves
   */
  public static UInt256 nextBaseFee(UInt256 current, long gasUsed, long target, long denominator) {
    if (gasUsed == target) {
      return current;
    }
    BigInteger fee = current.toBigInteger();
    BigInteger delta =
        fee.multiply(BigInteger.valueOf(Math.abs(gasUsed - target)))
            .divide(BigInteger.valueOf(target))
            .divide(BigInteger.valueOf(denominator));
    return UInt256.of(
        gasUsed > target
            ? fee.add(delta.max(BigInteger.ONE))
            : fee.subtract(delta).max(BigInteger.ZERO));
  }

  /** Returns the blob base fee in wei per blob gas (EIP-4844). */
  public static UInt256 blobBaseFee(long excessBlobGas, BlobSchedule schedule) {
    BigInteger denominator = BigInteger.valueOf(schedule.baseFeeUpdateFraction());
    BigInteger numerator = UInt256.of(excessBlobGas).toBigInteger();
    BigInteger output = BigInteger.ZERO;
    BigInteger term = denominator;
    for (long i = 1; term.signum() > 0; i++) {
      output = output.add(term);
      term = term.multiply(numerator).divide(denominator.multiply(BigInteger.valueOf(i)));
    }
    BigInteger fee = output.divide(denominator);
    return fee.bitLength() > 256 ? UInt256.MAX : UInt256.of(fee);
  }

  /**
   * Returns the excess blob gas of the block after {@code parent}.
   *
   * @param schedule the blob parameters of the new block
   * @param fork the rules of the new block
   */
  public static long nextExcessBlobGas(BlockHeader parent, BlobSchedule schedule, Fork fork) {
    Long excess = parent.excessBlobGas();
    Long used = parent.blobGasUsed();
    UInt256 baseFee = parent.baseFeePerGas();
    if (excess == null || used == null) {
      return 0;
    }
    long sum = excess + used;
    long target = schedule.target() * BLOB_GAS;
    if (sum < target) {
      return 0;
    }
    if (fork.includes(Fork.OSAKA) && baseFee != null) {
      BigInteger reserve = BLOB_BASE_COST.multiply(baseFee.toBigInteger());
      BigInteger blobPrice =
          BigInteger.valueOf(BLOB_GAS).multiply(blobBaseFee(excess, schedule).toBigInteger());
      if (reserve.compareTo(blobPrice) > 0) {
        return excess + used * (schedule.max() - schedule.target()) / schedule.max();
      }
    }
    return sum - target;
  }
}
