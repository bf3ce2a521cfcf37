// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.op.consensus;

import dev.patchbay.primitives.Address;
import dev.patchbay.primitives.Bytes;
import dev.patchbay.primitives.UInt256;
import dev.patchbay.primitives.execution.TransactionRules.Slots;
import java.math.BigInteger;
import java.nio.ByteBuffer;
import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/**
 * What the predeploy L1Block knows of L1, as fees are computed by it (OP Stack specification, L1
 * attributes). All numbers are unsigned.
 *
 * @param baseFee wei per gas
 * @param blobBaseFee wei per blob gas
 * @param overhead gas that each transaction is charged besides, before Ecotone
 * @param scalar millionths of the fee, before Ecotone
 * @param baseFeeScalar millionths of the base fee, from Ecotone on
 * @param blobBaseFeeScalar millionths of the blob base fee, from Ecotone on
 * @param operatorFeeScalar of the operator fee, from Isthmus on
 * @param operatorFeeConstant wei of the operator fee of each transaction, from Isthmus on
 */
record L1Block(
    BigInteger baseFee,
    BigInteger blobBaseFee,
    BigInteger overhead,
    BigInteger scalar,
    BigInteger baseFeeScalar,
    BigInteger blobBaseFeeScalar,
    BigInteger operatorFeeScalar,
    BigInteger operatorFeeConstant) {
  static final Address ADDRESS = Address.fromHex("0x4200000000000000000000000000000000000015");

  private static final int UNSET_DA_SCALAR = 400;

  // selectors of setL1BlockValues and its successors
  private static final int BEDROCK = 0x015d8eb9;
  private static final int ECOTONE = 0x440a5e20;
  private static final int ISTHMUS = 0x098999be;
  private static final int JOVIAN = 0x3db6be2b;

  /** Bytes of the last of them, whose fields follow each other without gaps. */
  private static final int PACKED = 178;

  /** Reads the slots of the predeploy. */
  static L1Block read(Slots slots) {
    BigInteger fees = slot(slots, 3);
    BigInteger operator = slot(slots, 8);
    return new L1Block(
        slot(slots, 1),
        slot(slots, 7),
        slot(slots, 5),
        slot(slots, 6),
        bits(fees, 96, 32),
        bits(fees, 64, 32),
        bits(operator, 64, 32),
        bits(operator, 0, 64));
  }

  /**
   * Reads the call that tells the predeploy of L1, the first transaction of each block.
   *
   * @return null when it is no such call
   */
  static @Nullable L1Block ofAttributes(Bytes call) {
    byte[] data = call.unsafeArray();
    if (data.length < 4) {
      return null;
    }
    return switch (ByteBuffer.wrap(data).getInt()) {
      case BEDROCK -> data.length < 260 ? null : ofBedrock(data);
      case ECOTONE -> data.length < 164 ? null : ofPacked(Arrays.copyOf(data, PACKED));
      case ISTHMUS -> data.length < 176 ? null : ofPacked(Arrays.copyOf(data, PACKED));
      case JOVIAN -> data.length < PACKED ? null : ofPacked(data);
      default -> null;
    };
  }

  /**
   * Reads of the same call how much blob gas a byte of data takes, from Jovian on.
   *
   * @return null when the call does not say it, as that of the first block of Jovian
   */
  static @Nullable Integer daFootprintGasScalar(Bytes call) {
    byte[] data = call.unsafeArray();
    if (data.length < PACKED || ByteBuffer.wrap(data).getInt() != JOVIAN) {
      return null;
    }
    int scalar = number(data, PACKED - 2, 2).intValue();
    return scalar == 0 ? UNSET_DA_SCALAR : scalar;
  }

  /** By ABI: number, time, base fee, hash, sequence number, batcher, overhead, scalar. */
  private static L1Block ofBedrock(byte[] data) {
    BigInteger none = BigInteger.ZERO;
    return new L1Block(
        number(data, 68, 32),
        none,
        number(data, 196, 32),
        number(data, 228, 32),
        none,
        none,
        none,
        none);
  }

  private static L1Block ofPacked(byte[] data) {
    return new L1Block(
        number(data, 36, 32),
        number(data, 68, 32),
        BigInteger.ZERO,
        BigInteger.ZERO,
        number(data, 4, 4),
        number(data, 8, 4),
        number(data, 164, 4),
        number(data, 168, 8));
  }

  private static BigInteger number(byte[] data, int from, int length) {
    return new BigInteger(1, data, from, length);
  }

  private static BigInteger slot(Slots slots, int index) {
    return slots.get(ADDRESS, UInt256.of(index)).toBigInteger();
  }

  private static BigInteger bits(BigInteger slot, int from, int count) {
    return slot.shiftRight(from).mod(BigInteger.ONE.shiftLeft(count));
  }
}
