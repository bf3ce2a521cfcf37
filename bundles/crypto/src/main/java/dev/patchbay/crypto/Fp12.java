// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.crypto;

import java.math.BigInteger;

/** An element {@code x ω + y} with ω² = τ. */
record Fp12(Fp6 x, Fp6 y) {
  static final Fp12 ONE = new Fp12(Fp6.ZERO, Fp6.ONE);

  private static final BigInteger P_MINUS_1 = Fp.P.subtract(BigInteger.ONE);
  private static final BigInteger P2_MINUS_1 = Fp.P.pow(2).subtract(BigInteger.ONE);
  static final Fp2 XI_P_1_3 = Fp2.XI.pow(P_MINUS_1.divide(BigInteger.valueOf(3)));
  static final Fp2 XI_P_1_2 = Fp2.XI.pow(P_MINUS_1.divide(BigInteger.TWO));
  private static final Fp2 XI_2P_2_3 = XI_P_1_3.square();
  private static final Fp2 XI_P_1_6 = Fp2.XI.pow(P_MINUS_1.divide(BigInteger.valueOf(6)));

  /** Powers of ξ to (p²-1)/k lie in the base field. */
  static final Fp XI_P2_1_3 = Fp2.XI.pow(P2_MINUS_1.divide(BigInteger.valueOf(3))).re();

  private static final Fp XI_2P2_2_3 = XI_P2_1_3.square();
  private static final Fp XI_P2_1_6 = Fp2.XI.pow(P2_MINUS_1.divide(BigInteger.valueOf(6))).re();

  boolean isOne() {
    return x.isZero() && y.isOne();
  }

  Fp12 conjugate() {
    return new Fp12(x.negate(), y);
  }

  Fp12 mul(Fp12 o) {
    Fp6 yy = y.mul(o.y);
    Fp6 xx = x.mul(o.x);
    Fp6 cross = x.add(y).mul(o.x.add(o.y)).sub(xx).sub(yy);
    return new Fp12(cross, yy.add(xx.mulTau()));
  }

  Fp12 square() {
    Fp6 xy = x.mul(y);
    Fp6 t = x.mulTau().add(y).mul(x.add(y)).sub(xy).sub(xy.mulTau());
    return new Fp12(xy.add(xy), t);
  }

  Fp12 inverse() {
    Fp6 d = y.square().sub(x.square().mulTau()).inverse();
    return new Fp12(x.negate().mul(d), y.mul(d));
  }

  Fp12 pow(BigInteger exponent) {
    Fp12 result = ONE;
    for (int i = exponent.bitLength() - 1; i >= 0; i--) {
      result = result.square();
      if (exponent.testBit(i)) {
        result = result.mul(this);
      }
    }
    return result;
  }

  Fp12 frobenius() {
    return new Fp12(frobenius(x).mul(XI_P_1_6), frobenius(y));
  }

  Fp12 frobenius2() {
    return new Fp12(frobenius2(x).mul(XI_P2_1_6), frobenius2(y));
  }

  private static Fp6 frobenius(Fp6 a) {
    return new Fp6(
        a.x().conjugate().mul(XI_2P_2_3), a.y().conjugate().mul(XI_P_1_3), a.z().conjugate());
  }

  private static Fp6 frobenius2(Fp6 a) {
    return new Fp6(a.x().mul(XI_2P2_2_3), a.y().mul(XI_P2_1_3), a.z());
  }

  /** Multiplies by the sparse value of a line: {@code (a τ + b) ω + c}. */
  Fp12 mulLine(Fp2 a, Fp2 b, Fp2 c) {
    Fp6 low = new Fp6(Fp2.ZERO, a, b).mul(x);
    Fp6 scaled = y.mul(c);
    Fp6 cross = x.add(y).mul(new Fp6(Fp2.ZERO, a, b.add(c))).sub(low).sub(scaled);
    return new Fp12(cross, scaled.add(low.mulTau()));
  }
}
