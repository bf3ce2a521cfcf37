// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.consensus.engine;

import dev.patchbay.primitives.Fork;
import dev.patchbay.primitives.UInt256;
import java.math.BigInteger;

/**
 * The difficulty of proof of work (Yellow Paper, section 4.3.4; EIP-2, EIP-100, and the delays of
 * the difficulty bomb by EIP-649, 1234, 2384, 3554, 4345 and 5133).
 */
public final class Difficulty {
  private static final BigInteger MINIMUM = BigInteger.valueOf(131_072);
  private static final BigInteger DIVISOR = BigInteger.valueOf(2_048);
  private static final long BOMB_PERIOD = 100_000;
  private static final long LARGEST_DROP = -99;

  private Difficulty() {}

  /**
   * Returns the difficulty of a block.
   *
   * @param fork its rules
   * @param number its number
   * @param timestamp its timestamp in seconds
   * @param parentDifficulty difficulty of its parent
   * @param parentTimestamp timestamp of its parent in seconds
   * @param parentHasOmmers whether its parent has ommers
   */
  public static UInt256 of(
      Fork fork,
      long number,
      long timestamp,
      UInt256 parentDifficulty,
      long parentTimestamp,
      boolean parentHasOmmers) {
    BigInteger parent = parentDifficulty.toBigInteger();
    BigInteger step = parent.divide(DIVISOR);
    long elapsed = timestamp - parentTimestamp;
    long factor;
    if (fork.includes(Fork.BYZANTIUM)) {
      factor = Math.max((parentHasOmmers ? 2 : 1) - elapsed / 9, LARGEST_DROP);
    } else if (fork.includes(Fork.HOMESTEAD)) {
      factor = Math.max(1 - elapsed / 10, LARGEST_DROP);
    } else {
      factor = elapsed < 13 ? 1 : -1;
    }
    BigInteger difficulty = parent.add(step.multiply(BigInteger.valueOf(factor)));
    long period = Math.max(0, number - delay(fork)) / BOMB_PERIOD;
    if (period > 1) {
      difficulty = difficulty.add(BigInteger.ONE.shiftLeft((int) (period - 2)));
    }
    return UInt256.of(difficulty.max(MINIMUM));
  }

  private static long delay(Fork fork) {
    if (fork.includes(Fork.GRAY_GLACIER)) {
      return 11_400_000;
    }
    if (fork.includes(Fork.ARROW_GLACIER)) {
      return 10_700_000;
    }
    if (fork.includes(Fork.LONDON)) {
      return 9_700_000;
    }
    if (fork.includes(Fork.MUIR_GLACIER)) {
      return 9_000_000;
    }
    if (fork.includes(Fork.CONSTANTINOPLE)) {
      return 5_000_000;
    }
    return fork.includes(Fork.BYZANTIUM) ? 3_000_000 : 0;
  }
}
