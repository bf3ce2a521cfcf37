// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.crypto;

import java.math.BigInteger;

/**
 * An element of the base field of bn254 (alt_bn128), in Montgomery form with R = 2^256; four
 * little-endian limbs.
 */
final class Fp {
  static final BigInteger P =
      new BigInteger("30644e72e131a029b85045b68181585d97816a916871ca8d3c208c16d87cfd47", 16);
  private static final long P0 = 0x3c208c16d87cfd47L;
  private static final long P1 = 0x97816a916871ca8dL;
  private static final long P2 = 0xb85045b68181585dL;
  private static final long P3 = 0x30644e72e131a029L;

  /** -P^-1 mod 2^64. */
  private static final long INVERSE = 0x87d20782e4866389L;

  private static final BigInteger R = BigInteger.ONE.shiftLeft(256).mod(P);
  private static final BigInteger R_INVERSE = R.modInverse(P);

  static final Fp ZERO = new Fp(0, 0, 0, 0);
  static final Fp ONE = of(BigInteger.ONE);

  private final long a0;
  private final long a1;
  private final long a2;
  private final long a3;

  private Fp(long a0, long a1, long a2, long a3) {
    this.a0 = a0;
    this.a1 = a1;
    this.a2 = a2;
    this.a3 = a3;
  }

  static Fp of(BigInteger value) {
    BigInteger m = value.mod(P).multiply(R).mod(P);
    return new Fp(
        m.longValue(),
        m.shiftRight(64).longValue(),
        m.shiftRight(128).longValue(),
        m.shiftRight(192).longValue());
  }

  BigInteger toBigInteger() {
    return raw().multiply(R_INVERSE).mod(P);
  }

  private BigInteger raw() {
    BigInteger value = BigInteger.ZERO;
    for (long limb : new long[] {a3, a2, a1, a0}) {
      value = value.shiftLeft(64).or(new BigInteger(Long.toUnsignedString(limb)));
    }
    return value;
  }

  boolean isZero() {
    return (a0 | a1 | a2 | a3) == 0;
  }

  boolean same(Fp o) {
    return ((a0 ^ o.a0) | (a1 ^ o.a1) | (a2 ^ o.a2) | (a3 ^ o.a3)) == 0;
  }

  Fp add(Fp o) {
    long r0 = a0 + o.a0;
    long c = carry(a0, o.a0, r0);
    long r1 = a1 + o.a1 + c;
    c = carry(a1, o.a1, r1);
    long r2 = a2 + o.a2 + c;
    c = carry(a2, o.a2, r2);
    return reduced(r0, r1, r2, a3 + o.a3 + c);
  }

  Fp twice() {
    return add(this);
  }

  Fp sub(Fp o) {
    long r0 = a0 - o.a0;
    long b = borrow(a0, o.a0, r0);
    long r1 = a1 - o.a1 - b;
    b = borrow(a1, o.a1, r1);
    long r2 = a2 - o.a2 - b;
    b = borrow(a2, o.a2, r2);
    long r3 = a3 - o.a3 - b;
    b = borrow(a3, o.a3, r3);
    if (b == 0) {
      return new Fp(r0, r1, r2, r3);
    }
    long s0 = r0 + P0;
    long c = carry(r0, P0, s0);
    long s1 = r1 + P1 + c;
    c = carry(r1, P1, s1);
    long s2 = r2 + P2 + c;
    c = carry(r2, P2, s2);
    return new Fp(s0, s1, s2, r3 + P3 + c);
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

  /**
   * Montgomery product, one limb of this operand at a time; P is below 2^254, so no carry leaves
   * the fifth limb.
   */
  Fp mul(Fp o) {
    long t0 = 0;
    long t1 = 0;
    long t2 = 0;
    long t3 = 0;
    for (int i = 0; i < 4; i++) {
      long x = i == 0 ? a0 : i == 1 ? a1 : i == 2 ? a2 : a3;
      long lo = x * o.a0;
      long n = t0 + lo;
      long c = high(x, o.a0) + carry(t0, lo, n);
      t0 = n;
      lo = x * o.a1;
      long h = high(x, o.a1);
      n = lo + c;
      h += carry(lo, c, n);
      long u1 = t1 + n;
      c = h + carry(t1, n, u1);
      lo = x * o.a2;
      h = high(x, o.a2);
      n = lo + c;
      h += carry(lo, c, n);
      long u2 = t2 + n;
      c = h + carry(t2, n, u2);
      lo = x * o.a3;
      h = high(x, o.a3);
      n = lo + c;
      h += carry(lo, c, n);
      long u3 = t3 + n;
      long t4 = h + carry(t3, n, u3);

      long m = t0 * INVERSE;
      lo = m * P0;
      n = t0 + lo;
      c = high(m, P0) + carry(t0, lo, n);
      lo = m * P1;
      h = high(m, P1);
      n = lo + c;
      h += carry(lo, c, n);
      t0 = u1 + n;
      c = h + carry(u1, n, t0);
      lo = m * P2;
      h = high(m, P2);
      n = lo + c;
      h += carry(lo, c, n);
      t1 = u2 + n;
      c = h + carry(u2, n, t1);
      lo = m * P3;
      h = high(m, P3);
      n = lo + c;
      h += carry(lo, c, n);
      t2 = u3 + n;
      c = h + carry(u3, n, t2);
      t3 = t4 + c;
    }
    return reduced(t0, t1, t2, t3);
  }

  private static Fp reduced(long r0, long r1, long r2, long r3) {
    long s0 = r0 - P0;
    long b = borrow(r0, P0, s0);
    long s1 = r1 - P1 - b;
    b = borrow(r1, P1, s1);
    long s2 = r2 - P2 - b;
    b = borrow(r2, P2, s2);
    long s3 = r3 - P3 - b;
    b = borrow(r3, P3, s3);
    return b == 0 ? new Fp(s0, s1, s2, s3) : new Fp(r0, r1, r2, r3);
  }

  private static long high(long a, long b) {
    return Math.multiplyHigh(a, b) + ((a >> 63) & b) + ((b >> 63) & a);
  }

  private static long carry(long a, long b, long sum) {
    return ((a & b) | ((a | b) & ~sum)) >>> 63;
  }

  private static long borrow(long a, long b, long difference) {
    return ((~a & b) | ((~a | b) & difference)) >>> 63;
  }
}
