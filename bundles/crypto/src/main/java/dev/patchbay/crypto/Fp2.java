// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.crypto;

import java.math.BigInteger;

/** An element {@code re + im * i} of the quadratic extension of {@link Fp}, with i² = -1. */
record Fp2(Fp re, Fp im) {
  static final Fp2 ZERO = new Fp2(Fp.ZERO, Fp.ZERO);
  static final Fp2 ONE = new Fp2(Fp.ONE, Fp.ZERO);

  /** The non-residue i + 9 over which the sextic extension is built. */
  static final Fp2 XI = new Fp2(Fp.of(BigInteger.valueOf(9)), Fp.ONE);

  boolean isZero() {
    return re.isZero() && im.isZero();
  }

  boolean same(Fp2 o) {
    return re.same(o.re) && im.same(o.im);
  }

  Fp2 add(Fp2 o) {
    return new Fp2(re.add(o.re), im.add(o.im));
  }

  Fp2 sub(Fp2 o) {
    return new Fp2(re.sub(o.re), im.sub(o.im));
  }

  Fp2 twice() {
    return add(this);
  }

  Fp2 negate() {
    return new Fp2(re.negate(), im.negate());
  }

  Fp2 conjugate() {
    return new Fp2(re, im.negate());
  }

  Fp2 mul(Fp2 o) {
    Fp rr = re.mul(o.re);
    Fp ii = im.mul(o.im);
    return new Fp2(rr.sub(ii), re.add(im).mul(o.re.add(o.im)).sub(rr).sub(ii));
  }

  Fp2 mul(Fp scalar) {
    return new Fp2(re.mul(scalar), im.mul(scalar));
  }

  Fp2 square() {
    return new Fp2(re.add(im).mul(re.sub(im)), re.mul(im).twice());
  }

  /** Multiplies by i + 9. */
  Fp2 mulXi() {
    Fp re9 = re.twice().twice().twice().add(re);
    Fp im9 = im.twice().twice().twice().add(im);
    return new Fp2(re9.sub(im), im9.add(re));
  }

  Fp2 inverse() {
    Fp norm = re.square().add(im.square()).inverse();
    return new Fp2(re.mul(norm), im.negate().mul(norm));
  }

  Fp2 pow(BigInteger exponent) {
    Fp2 result = ONE;
    for (int i = exponent.bitLength() - 1; i >= 0; i--) {
      result = result.square();
      if (exponent.testBit(i)) {
        result = result.mul(this);
      }
    }
    return result;
  }
}
