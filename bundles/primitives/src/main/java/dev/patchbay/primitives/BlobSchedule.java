// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.primitives;

/**
 * The blob parameters in force at some time (EIP-7840, EIP-7892).
 *
 * @param target blobs a block aims at
 * @param max blobs a block may hold
 * @param baseFeeUpdateFraction how slowly the blob fee moves
 */
public record BlobSchedule(int target, int max, long baseFeeUpdateFraction) {
  /** Cancun's parameters (EIP-4844). */
  public static final BlobSchedule CANCUN = new BlobSchedule(3, 6, 3_338_477);

  /** Prague's parameters (EIP-7691). */
  public static final BlobSchedule PRAGUE = new BlobSchedule(6, 9, 5_007_716);
}
