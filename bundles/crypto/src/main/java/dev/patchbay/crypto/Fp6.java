// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.crypto;

/** An element {@code x τ² + y τ + z} with τ³ = i + 9. */
record Fp6(Fp2 x, Fp2 y, Fp2 z) {
  static final Fp6 ZERO = new Fp6(Fp2.ZERO, Fp2.ZERO, Fp2.ZERO);
  static final Fp6 ONE = new Fp6(Fp2.ZERO, Fp2.ZERO, Fp2.ONE);

  boolean isZero() {
    return x.isZero() && y.isZero() && z.isZero();
  }

  boolean isOne() {
    return x.isZero() && y.isZero() && z.same(Fp2.ONE);
  }

  Fp6 add(Fp6 o) {
    return new Fp6(x.add(o.x), y.add(o.y), z.add(o.z));
  }

  Fp6 sub(Fp6 o) {
    return new Fp6(x.sub(o.x), y.sub(o.y), z.sub(o.z));
  }

  Fp6 negate() {
    return new Fp6(x.negate(), y.negate(), z.negate());
  }

  Fp6 mul(Fp6 o) {
    Fp2 zz = z.mul(o.z);
    Fp2 yy = y.mul(o.y);
    Fp2 xx = x.mul(o.x);
    Fp2 rz = x.add(y).mul(o.x.add(o.y)).sub(xx).sub(yy).mulXi().add(zz);
    Fp2 ry = y.add(z).mul(o.y.add(o.z)).sub(yy).sub(zz).add(xx.mulXi());
    Fp2 rx = x.add(z).mul(o.x.add(o.z)).sub(xx).add(yy).sub(zz);
    return new Fp6(rx, ry, rz);
  }

  Fp6 mul(Fp2 scalar) {
    return new Fp6(x.mul(scalar), y.mul(scalar), z.mul(scalar));
  }

  Fp6 mul(Fp scalar) {
    return new Fp6(x.mul(scalar), y.mul(scalar), z.mul(scalar));
  }

  Fp6 mulTau() {
    return new Fp6(y, z, x.mulXi());
  }

  Fp6 square() {
    return mul(this);
  }

  Fp6 inverse() {
    Fp2 a = z.square().sub(x.mul(y).mulXi());
    Fp2 b = x.square().mulXi().sub(y.mul(z));
    Fp2 c = y.square().sub(x.mul(z));
    Fp2 f = c.mul(y).mulXi().add(a.mul(z)).add(b.mul(x).mulXi()).inverse();
    return new Fp6(c.mul(f), b.mul(f), a.mul(f));
  }
}
