// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.op.consensus;

import java.math.BigInteger;

/**
 * What a transaction pays for being published on L1, and to the operator (OP Stack specification,
 * L1 fees and operator fee). Threading: stateless.
 */
final class L1Fee {
  private static final BigInteger SIXTEEN = BigInteger.valueOf(16);
  private static final BigInteger HUNDRED = BigInteger.valueOf(100);
  private static final BigInteger MILLION = BigInteger.valueOf(1_000_000);
  private static final BigInteger MILLION_SQUARED = MILLION.multiply(MILLION);

  /** Bytes that a signature takes, before Regolith. */
  private static final int SIGNATURE = 68;

  private static final long MIN_SIZE = 100_000_000;
  private static final long SIZE_INTERCEPT = -42_585_600;
  private static final long SIZE_SLOPE = 836_500;

  /**
   * How much data a transaction is.
   *
   * @param calldataGas gas that its bytes would cost as call data: 4 for a zero, 16 for another
   * @param size millionths of bytes that it adds to a compressed batch, as is estimated
   */
  record Data(long calldataGas, long size) {
    static Data of(byte[] encoded) {
      long gas = 0;
      for (byte b : encoded) {
        gas += b == 0 ? 4 : 16;
      }
      return new Data(gas, estimatedSize(FastLz.length(encoded)));
    }

    /** Returns the bytes that the transaction adds to a batch. */
    long bytes() {
      return size / 1_000_000;
    }
  }

  private L1Fee() {}

  /** Returns millionths of bytes in a batch by the length that FastLZ gives (Fjord). */
  static long estimatedSize(int fastLzLength) {
    return Math.max(MIN_SIZE, SIZE_INTERCEPT + SIZE_SLOPE * fastLzLength);
  }

  /** Returns the gas on L1 that a transaction is said to use. */
  static BigInteger gasUsed(Data data, L1Block l1, OpFork fork) {
    if (fork.includes(OpFork.FJORD)) {
      return BigInteger.valueOf(data.size).multiply(SIXTEEN).divide(MILLION);
    }
    BigInteger gas = BigInteger.valueOf(data.calldataGas);
    if (isEcotone(l1, fork)) {
      return gas;
    }
    BigInteger signature = BigInteger.valueOf(fork == OpFork.BEDROCK ? 16 * SIGNATURE : 0);
    return gas.add(signature).add(l1.overhead());
  }

  /** Returns the L1 fee in wei. */
  static BigInteger of(Data data, L1Block l1, OpFork fork) {
    if (!isEcotone(l1, fork)) {
      return gasUsed(data, l1, fork).multiply(l1.baseFee()).multiply(l1.scalar()).divide(MILLION);
    }
    BigInteger price =
        SIXTEEN
            .multiply(l1.baseFee())
            .multiply(l1.baseFeeScalar())
            .add(l1.blobBaseFee().multiply(l1.blobBaseFeeScalar()));
    return fork.includes(OpFork.FJORD)
        ? BigInteger.valueOf(data.size).multiply(price).divide(MILLION_SQUARED)
        : BigInteger.valueOf(data.calldataGas).multiply(price).divide(SIXTEEN.multiply(MILLION));
  }

  /** The block that activates Ecotone still has what the forks before it know of L1. */
  static boolean isEcotone(L1Block l1, OpFork fork) {
    boolean unset =
        l1.blobBaseFee().signum() == 0
            && l1.baseFeeScalar().signum() == 0
            && l1.blobBaseFeeScalar().signum() == 0;
    return fork.includes(OpFork.ECOTONE) && !unset;
  }

  /** Returns the operator fee of a transaction in wei, by the gas that it uses. */
  static BigInteger operator(long gasUsed, L1Block l1, OpFork fork) {
    if (!fork.includes(OpFork.ISTHMUS)) {
      return BigInteger.ZERO;
    }
    BigInteger scaled =
        new BigInteger(Long.toUnsignedString(gasUsed)).multiply(l1.operatorFeeScalar());
    return (fork.includes(OpFork.JOVIAN) ? scaled.multiply(HUNDRED) : scaled.divide(MILLION))
        .add(l1.operatorFeeConstant());
  }
}
