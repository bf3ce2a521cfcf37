// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.evm;

import static org.assertj.core.api.Assertions.assertThat;

import java.math.BigInteger;
import java.util.Random;
import org.junit.jupiter.api.Test;

/** Every 256-bit operation against BigInteger, on operands rich in zero, one and all-ones limbs. */
class WordsTest {
  private static final BigInteger MODULUS = BigInteger.ONE.shiftLeft(256);
  private static final int OUT = 12;

  private final Random random = new Random(1);
  private final long[] s = new long[16];
  private final long[] scratch = new long[Words.SCRATCH];

  private BigInteger get(int at) {
    BigInteger value = BigInteger.ZERO;
    for (int i = 3; i >= 0; i--) {
      value = value.shiftLeft(64).or(new BigInteger(Long.toUnsignedString(s[at + i])));
    }
    return value;
  }

  private void fill(int at) {
    int limbs = random.nextInt(5);
    for (int i = 0; i < 4; i++) {
      s[at + i] =
          i >= limbs
              ? 0
              : switch (random.nextInt(6)) {
                case 0 -> -1;
                case 1 -> 0;
                case 2 -> 1L << random.nextInt(64);
                case 3 -> -1L << random.nextInt(64);
                default -> random.nextLong();
              };
    }
    if (random.nextInt(8) == 0) {
      s[at] = random.nextInt(300);
    }
  }

  private static BigInteger signed(BigInteger x) {
    return x.testBit(255) ? x.subtract(MODULUS) : x;
  }

  private static BigInteger bit(boolean value) {
    return value ? BigInteger.ONE : BigInteger.ZERO;
  }

  private void check(String operation, BigInteger expected) {
    assertThat(get(OUT)).as(operation).isEqualTo(expected.mod(MODULUS));
  }

  @Test
  void agreesWithBigInteger() {
    for (int round = 0; round < 100_000; round++) {
      fill(0);
      fill(4);
      fill(8);
      BigInteger a = get(0);
      BigInteger b = get(4);
      BigInteger n = get(8);
      BigInteger zero = BigInteger.ZERO;
      boolean bZero = b.signum() == 0;
      boolean nZero = n.signum() == 0;
      Words.add(s, OUT, 0, 4);
      check("add", a.add(b));
      Words.sub(s, OUT, 0, 4);
      check("sub", a.subtract(b));
      Words.mul(s, OUT, 0, 4);
      check("mul", a.multiply(b));
      Words.square(s, OUT, 0);
      check("square", a.multiply(a));
      Words.div(s, OUT, 0, 4, scratch);
      check("div", bZero ? zero : a.divide(b));
      Words.mod(s, OUT, 0, 4, scratch);
      check("mod", bZero ? zero : a.mod(b));
      Words.sdiv(s, OUT, 0, 4, scratch);
      check("sdiv", bZero ? zero : signed(a).divide(signed(b)));
      Words.smod(s, OUT, 0, 4, scratch);
      check("smod", bZero ? zero : signed(a).remainder(signed(b)));
      Words.addmod(s, OUT, 0, 4, 8, scratch);
      check("addmod", nZero ? zero : a.add(b).mod(n));
      Words.mulmod(s, OUT, 0, 4, 8, scratch);
      check("mulmod", nZero ? zero : a.multiply(b).mod(n));
      Words.set(s, OUT, Words.lessThan(s, 0, 4));
      check("lt", bit(a.compareTo(b) < 0));
      Words.set(s, OUT, Words.signedLessThan(s, 0, 4));
      check("slt", bit(signed(a).compareTo(signed(b)) < 0));
      Words.set(s, OUT, Words.equal(s, 0, 4));
      check("eq", bit(a.equals(b)));
      boolean shifts = a.bitLength() <= 8;
      Words.shl(s, OUT, 0, 4);
      check("shl", shifts ? b.shiftLeft(a.intValue()) : zero);
      Words.shr(s, OUT, 0, 4);
      check("shr", shifts ? b.shiftRight(a.intValue()) : zero);
      Words.sar(s, OUT, 0, 4);
      check("sar", signed(b).shiftRight(shifts ? a.intValue() : 256));
      Words.byteAt(s, OUT, 0, 4);
      check(
          "byte",
          a.bitLength() > 5
              ? zero
              : b.shiftRight(8 * (31 - a.intValue())).and(BigInteger.valueOf(255)));
      Words.set(s, OUT, Words.bitLength(s, 0));
      check("bitLength", BigInteger.valueOf(a.bitLength()));
      if (round % 8 == 0) {
        Words.exp(s, OUT, 0, 4, scratch);
        check("exp", a.modPow(b, MODULUS));
      }
    }
  }

  /** The register form may put a result where any of the operands was. */
  @Test
  void theResultMayReplaceAnOperand() {
    Operation[] operations = {
      (d, a, b, n) -> Words.add(s, d, a, b),
      (d, a, b, n) -> Words.sub(s, d, a, b),
      (d, a, b, n) -> Words.mul(s, d, a, b),
      (d, a, b, n) -> Words.div(s, d, a, b, scratch),
      (d, a, b, n) -> Words.sdiv(s, d, a, b, scratch),
      (d, a, b, n) -> Words.mod(s, d, a, b, scratch),
      (d, a, b, n) -> Words.smod(s, d, a, b, scratch),
      (d, a, b, n) -> Words.and(s, d, a, b),
      (d, a, b, n) -> Words.or(s, d, a, b),
      (d, a, b, n) -> Words.xor(s, d, a, b),
      (d, a, b, n) -> Words.not(s, d, a),
      (d, a, b, n) -> Words.byteAt(s, d, a, b),
      (d, a, b, n) -> Words.shl(s, d, a, b),
      (d, a, b, n) -> Words.shr(s, d, a, b),
      (d, a, b, n) -> Words.sar(s, d, a, b),
      (d, a, b, n) -> Words.signExtend(s, d, a, b),
      (d, a, b, n) -> Words.exp(s, d, a, b, scratch),
      (d, a, b, n) -> Words.addmod(s, d, a, b, n, scratch),
      (d, a, b, n) -> Words.mulmod(s, d, a, b, n, scratch),
      (d, a, b, n) -> Words.addSmall(s, d, a, 0xfffffffffffffff1L),
      (d, a, b, n) -> Words.subSmall(s, d, a, 0xfffffffffffffff1L),
    };
    for (int i = 0; i < operations.length; i++) {
      for (int round = 0; round < 5_000; round++) {
        fill(0);
        fill(4);
        fill(8);
        if (random.nextInt(4) == 0) {
          System.arraycopy(s, 0, s, 4, 4);
        }
        long[] operands = s.clone();
        operations[i].run(OUT, 0, 4, 8);
        BigInteger expected = get(OUT);
        for (int d = 0; d <= 8; d += 4) {
          System.arraycopy(operands, 0, s, 0, 12);
          operations[i].run(d, 0, 4, 8);
          assertThat(get(d)).as("operation " + i + " into " + d).isEqualTo(expected);
        }
        System.arraycopy(operands, 0, s, 0, 12);
        operations[i].run(OUT, 0, 0, 0);
        expected = get(OUT);
        operations[i].run(0, 0, 0, 0);
        assertThat(get(0)).as("operation " + i + " of one word").isEqualTo(expected);
      }
    }
  }

  @Test
  void smallNumbersAgreeWithBigInteger() {
    for (int round = 0; round < 20_000; round++) {
      fill(0);
      fill(4);
      BigInteger small = new BigInteger(Long.toUnsignedString(s[4]));
      BigInteger a = get(0);
      Words.addSmall(s, OUT, 0, s[4]);
      check("add small", a.add(small));
      Words.subSmall(s, OUT, 0, s[4]);
      check("subtract small", a.subtract(small));
    }
  }

  private interface Operation {
    void run(int d, int a, int b, int n);
  }
}
