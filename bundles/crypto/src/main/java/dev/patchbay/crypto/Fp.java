// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.crypto;

import java.math.BigInteger;

/**
 * An element of the base field of bn254 (alt_bn128), in Montgomery form with R = 2^260: five
 * little-endian limbs of 52 bits, so that the products of a column add up without a carry each,
 * which is what four limbs of 64 bits spend most of their time on.
 */
final class Fp {
  static final BigInteger P =
      new BigInteger("30644e72e131a029b85045b68181585d97816a916871ca8d3c208c16d87cfd47", 16);

  private static final int BITS = 52;
  private static final long MASK = (1L << BITS) - 1;
  private static final long P0 = limb(P, 0);
  private static final long P1 = limb(P, 1);
  private static final long P2 = limb(P, 2);
  private static final long P3 = limb(P, 3);
  private static final long P4 = limb(P, 4);
  private static final int HALF = (64 - BITS) / 2;
  private static final long H0 = P0 << HALF;
  private static final long H1 = P1 << HALF;
  private static final long H2 = P2 << HALF;
  private static final long H3 = P3 << HALF;
  private static final long H4 = P4 << HALF;

  /** -P^-1 mod 2^52. */
  private static final long INVERSE =
      P.modInverse(BigInteger.ONE.shiftLeft(BITS)).negate().longValue() & MASK;

  private static final BigInteger R = BigInteger.ONE.shiftLeft(5 * BITS).mod(P);
  private static final BigInteger R_INVERSE = R.modInverse(P);

  static final Fp ZERO = new Fp(0, 0, 0, 0, 0);
  static final Fp ONE = of(BigInteger.ONE);

  private final long a0;
  private final long a1;
  private final long a2;
  private final long a3;
  private final long a4;

  private Fp(long a0, long a1, long a2, long a3, long a4) {
    this.a0 = a0;
    this.a1 = a1;
    this.a2 = a2;
    this.a3 = a3;
    this.a4 = a4;
  }

  private static long limb(BigInteger value, int index) {
    return value.shiftRight(BITS * index).longValue() & MASK;
  }

  static Fp of(BigInteger value) {
    BigInteger m = value.mod(P).multiply(R).mod(P);
    return new Fp(limb(m, 0), limb(m, 1), limb(m, 2), limb(m, 3), limb(m, 4));
  }

  BigInteger toBigInteger() {
    BigInteger value = BigInteger.ZERO;
    for (long limb : new long[] {a4, a3, a2, a1, a0}) {
      value = value.shiftLeft(BITS).or(BigInteger.valueOf(limb));
    }
    return value.multiply(R_INVERSE).mod(P);
  }

  boolean isZero() {
    return (a0 | a1 | a2 | a3 | a4) == 0;
  }

  boolean same(Fp o) {
    return ((a0 ^ o.a0) | (a1 ^ o.a1) | (a2 ^ o.a2) | (a3 ^ o.a3) | (a4 ^ o.a4)) == 0;
  }

  Fp add(Fp o) {
    return reduced(a0 + o.a0 - P0, a1 + o.a1 - P1, a2 + o.a2 - P2, a3 + o.a3 - P3, a4 + o.a4 - P4);
  }

  Fp twice() {
    return add(this);
  }

  Fp sub(Fp o) {
    return reduced(a0 - o.a0, a1 - o.a1, a2 - o.a2, a3 - o.a3, a4 - o.a4);
  }

  Fp negate() {
    return isZero() ? this : ZERO.sub(this);
  }

  Fp square() {
    return mul(this);
  }

  Fp inverse() {
    return of(toBigInteger().modInverse(P));
  }

  /** Montgomery product, one limb of this operand at a time; columns stay below 2^57. */
  Fp mul(Fp o) {
    long b0 = o.a0;
    long b1 = o.a1;
    long b2 = o.a2;
    long b3 = o.a3;
    long b4 = o.a4;
    long c0 = b0 << HALF;
    long c1 = b1 << HALF;
    long c2 = b2 << HALF;
    long c3 = b3 << HALF;
    long c4 = b4 << HALF;
    long t0 = 0;
    long t1 = 0;
    long t2 = 0;
    long t3 = 0;
    long t4 = 0;
    for (int i = 0; i < 5; i++) {
      long x = i == 0 ? a0 : i == 1 ? a1 : i == 2 ? a2 : i == 3 ? a3 : a4;
      long y = x << HALF;
      t0 += low(x, b0);
      long m = (t0 * INVERSE) & MASK;
      long n = m << HALF;
      t0 += low(m, P0); // a multiple of 2^52 now
      t1 += (t0 >> BITS) + high(y, c0) + low(x, b1) + high(n, H0) + low(m, P1);
      t2 += high(y, c1) + low(x, b2) + high(n, H1) + low(m, P2);
      t3 += high(y, c2) + low(x, b3) + high(n, H2) + low(m, P3);
      t4 += high(y, c3) + low(x, b4) + high(n, H3) + low(m, P4);
      long t5 = high(y, c4) + high(n, H4);
      t0 = t1;
      t1 = t2;
      t2 = t3;
      t3 = t4;
      t4 = t5;
    }
    return reduced(t0 - P0, t1 - P1, t2 - P2, t3 - P3, t4 - P4);
  }

  /** The low 52 bits of a product of two limbs. */
  private static long low(long a, long b) {
    return (a * b) & MASK;
  }

  /**
   * The high 52 bits, where both limbs are shifted left by half of what a limb lacks to 64 bits.
   */
  private static long high(long a, long b) {
    return Math.multiplyHigh(a, b);
  }

  /** Returns the element for a number between -P and P, in limbs of any sign. */
  private static Fp reduced(long r0, long r1, long r2, long r3, long r4) {
    long s1 = r1 + (r0 >> BITS);
    long s2 = r2 + (s1 >> BITS);
    long s3 = r3 + (s2 >> BITS);
    long s4 = r4 + (s3 >> BITS);
    if (s4 >= 0) {
      return new Fp(r0 & MASK, s1 & MASK, s2 & MASK, s3 & MASK, s4);
    }
    long q0 = (r0 & MASK) + P0;
    long q1 = (s1 & MASK) + P1 + (q0 >> BITS);
    long q2 = (s2 & MASK) + P2 + (q1 >> BITS);
    long q3 = (s3 & MASK) + P3 + (q2 >> BITS);
    long q4 = s4 + P4 + (q3 >> BITS);
    return new Fp(q0 & MASK, q1 & MASK, q2 & MASK, q3 & MASK, q4);
  }
}
