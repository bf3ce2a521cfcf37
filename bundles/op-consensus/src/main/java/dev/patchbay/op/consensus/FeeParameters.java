// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.op.consensus;

import dev.patchbay.primitives.BlockHeader;
import dev.patchbay.primitives.Bytes;
import dev.patchbay.primitives.ChainConfig;
import dev.patchbay.primitives.UInt256;
import java.nio.ByteBuffer;

/**
 * How the base fee moves after a block; from Holocene on its header says so (OP Stack
 * specification, Holocene and Jovian).
 *
 * @param denominator how slowly it moves, unsigned 32 bits
 * @param elasticity greatest gas of a block in gas targets, unsigned 32 bits
 * @param least wei per gas that it does not fall below
 */
record FeeParameters(long denominator, long elasticity, UInt256 least) {
  private static final int HOLOCENE_SIZE = 9;
  private static final int JOVIAN_SIZE = 17;
  private static final int ATTRIBUTE_SIZE = 8;

  /**
   * Returns those that hold for the child of a block.
   *
   * @param timestamp time of the child
   */
  static FeeParameters after(BlockHeader parent, long timestamp, ChainConfig config) {
    OpFork fork = OpFork.at(parent.timestamp(), config);
    return fork.includes(OpFork.HOLOCENE)
        ? decode(parent.extraData(), fork)
        : ofChain(OpFork.at(timestamp, config), config);
  }

  private static FeeParameters ofChain(OpFork fork, ChainConfig config) {
    ChainConfig.Rollup rollup = OpFork.rollup(config);
    long denominator =
        fork.includes(OpFork.CANYON) ? rollup.denominatorCanyon() : rollup.denominator();
    return new FeeParameters(denominator, rollup.elasticity(), UInt256.ZERO);
  }

  /**
   * Reads extra data.
   *
   * @throws IllegalArgumentException when it is not that of the fork
   */
  static FeeParameters decode(Bytes extraData, OpFork fork) {
    boolean jovian = fork.includes(OpFork.JOVIAN);
    int size = jovian ? JOVIAN_SIZE : HOLOCENE_SIZE;
    if (extraData.size() != size) {
      throw new IllegalArgumentException(
          "extraData has " + extraData.size() + " bytes, from " + fork + " on it has " + size);
    }
    ByteBuffer in = ByteBuffer.wrap(extraData.toArray());
    int version = in.get();
    if (version != (jovian ? 1 : 0)) {
      throw new IllegalArgumentException("extraData has version " + version + ": " + extraData);
    }
    long denominator = Integer.toUnsignedLong(in.getInt());
    long elasticity = Integer.toUnsignedLong(in.getInt());
    if (denominator == 0 || elasticity == 0) {
      throw new IllegalArgumentException(
          "extraData has denominator " + denominator + " and elasticity " + elasticity);
    }
    return new FeeParameters(
        denominator, elasticity, jovian ? UInt256.of(in.getLong()) : UInt256.ZERO);
  }

  /**
   * Reads what a sequencer asks for: zeros stand for the constants of the chain.
   *
   * @param asked denominator and elasticity
   * @throws IllegalArgumentException when they are malformed
   */
  static FeeParameters asked(Bytes asked, UInt256 least, OpFork fork, ChainConfig config) {
    if (asked.size() != ATTRIBUTE_SIZE) {
      throw new IllegalArgumentException(
          "eip1559Params has " + asked.size() + " bytes, not " + ATTRIBUTE_SIZE);
    }
    ByteBuffer in = ByteBuffer.wrap(asked.toArray());
    long denominator = Integer.toUnsignedLong(in.getInt());
    long elasticity = Integer.toUnsignedLong(in.getInt());
    if (denominator == 0 && elasticity == 0) {
      FeeParameters constants = ofChain(fork, config);
      return new FeeParameters(constants.denominator, constants.elasticity, least);
    }
    if (denominator == 0 || elasticity == 0) {
      throw new IllegalArgumentException(
          "eip1559Params has denominator " + denominator + " and elasticity " + elasticity);
    }
    return new FeeParameters(denominator, elasticity, least);
  }

  /** Returns the extra data that says this. */
  Bytes encode(OpFork fork) {
    boolean jovian = fork.includes(OpFork.JOVIAN);
    ByteBuffer out = ByteBuffer.allocate(jovian ? JOVIAN_SIZE : HOLOCENE_SIZE);
    out.put((byte) (jovian ? 1 : 0)).putInt((int) denominator);
    out.putInt((int) elasticity);
    if (jovian) {
      out.putLong(least.longValue());
    }
    return Bytes.wrap(out.array());
  }
}
