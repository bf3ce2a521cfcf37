// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.crypto;

import java.math.BigInteger;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * The curve alt_bn128 of EIP-196 and EIP-197: y² = x³ + 3 over a 254-bit prime, and the optimal ate
 * pairing.
 *
 * <p>Points are encoded as in those EIPs: 32-byte big-endian coordinates, (0, 0) for infinity, and
 * for G2 the imaginary part before the real one. Threading: stateless.
 */
public final class Bn254 {
  private static final BigInteger U = new BigInteger("4965661367192848881");
  private static final BigInteger SIX_U_PLUS_2 =
      U.multiply(BigInteger.valueOf(6)).add(BigInteger.TWO);
  private static final Fp THREE = Fp.of(BigInteger.valueOf(3));
  static final Fp2 TWIST_B = new Fp2(THREE, Fp.ZERO).mul(Fp2.XI.inverse());

  private Bn254() {}

  /** A G1 point in Jacobian coordinates; infinity has z = 0. */
  private record G1(Fp x, Fp y, Fp z) {
    static final G1 INFINITY = new G1(Fp.ONE, Fp.ONE, Fp.ZERO);

    G1 twice() {
      Fp a = x.square();
      Fp b = y.square();
      Fp c = b.square();
      Fp d = x.add(b).square().sub(a).sub(c).twice();
      Fp e = a.twice().add(a);
      Fp nx = e.square().sub(d.twice());
      Fp ny = d.sub(nx).mul(e).sub(c.twice().twice().twice());
      return new G1(nx, ny, y.mul(z).twice());
    }

    G1 add(G1 o) {
      if (z.isZero()) {
        return o;
      }
      if (o.z.isZero()) {
        return this;
      }
      Fp z1z1 = z.square();
      Fp z2z2 = o.z.square();
      Fp u1 = x.mul(z2z2);
      Fp u2 = o.x.mul(z1z1);
      Fp s1 = y.mul(o.z).mul(z2z2);
      Fp s2 = o.y.mul(z).mul(z1z1);
      if (u1.same(u2)) {
        return s1.same(s2) ? twice() : INFINITY;
      }
      Fp h = u2.sub(u1);
      Fp i = h.twice().square();
      Fp j = h.mul(i);
      Fp r = s2.sub(s1).twice();
      Fp v = u1.mul(i);
      Fp nx = r.square().sub(j).sub(v.twice());
      Fp ny = r.mul(v.sub(nx)).sub(s1.mul(j).twice());
      return new G1(nx, ny, z.add(o.z).square().sub(z1z1).sub(z2z2).mul(h));
    }

    G1 multiply(BigInteger scalar) {
      G1 result = INFINITY;
      for (int i = scalar.bitLength() - 1; i >= 0; i--) {
        result = result.twice();
        if (scalar.testBit(i)) {
          result = result.add(this);
        }
      }
      return result;
    }

    G1 affine() {
      if (z.isZero()) {
        return INFINITY;
      }
      Fp inverse = z.inverse();
      Fp squared = inverse.square();
      return new G1(x.mul(squared), y.mul(squared).mul(inverse), Fp.ONE);
    }

    byte[] encode() {
      byte[] out = new byte[64];
      G1 point = affine();
      if (!point.z.isZero()) {
        put(out, 0, point.x);
        put(out, 32, point.y);
      }
      return out;
    }
  }

  /** A point of the twist in Jacobian coordinates with t = z². */
  record G2(Fp2 x, Fp2 y, Fp2 z, Fp2 t) {
    static G2 affine(Fp2 x, Fp2 y) {
      return new G2(x, y, Fp2.ONE, Fp2.ONE);
    }

    static final G2 INFINITY = new G2(Fp2.ONE, Fp2.ONE, Fp2.ZERO, Fp2.ZERO);

    G2 twice() {
      Fp2 a = x.square();
      Fp2 b = y.square();
      Fp2 c = b.square();
      Fp2 d = x.add(b).square().sub(a).sub(c).twice();
      Fp2 e = a.twice().add(a);
      Fp2 nx = e.square().sub(d.twice());
      Fp2 ny = d.sub(nx).mul(e).sub(c.twice().twice().twice());
      Fp2 nz = y.mul(z).twice();
      return new G2(nx, ny, nz, nz.square());
    }

    G2 add(G2 o) {
      if (z.isZero()) {
        return o;
      }
      if (o.z.isZero()) {
        return this;
      }
      Fp2 u1 = x.mul(o.t);
      Fp2 u2 = o.x.mul(t);
      Fp2 s1 = y.mul(o.z).mul(o.t);
      Fp2 s2 = o.y.mul(z).mul(t);
      if (u1.same(u2)) {
        return s1.same(s2) ? twice() : INFINITY;
      }
      Fp2 h = u2.sub(u1);
      Fp2 i = h.twice().square();
      Fp2 j = h.mul(i);
      Fp2 r = s2.sub(s1).twice();
      Fp2 v = u1.mul(i);
      Fp2 nx = r.square().sub(j).sub(v.twice());
      Fp2 ny = r.mul(v.sub(nx)).sub(s1.mul(j).twice());
      Fp2 nz = z.add(o.z).square().sub(t).sub(o.t).mul(h);
      return new G2(nx, ny, nz, nz.square());
    }

    /**
     * Returns whether a point of the twist is in the group of order n, by the parameter u of the
     * curve: [u + 1]Q + ψ([u]Q) + ψ²([u]Q) = ψ³([2u]Q) (Dai, Lin, Zhao, Zhou, "Fast subgroup
     * membership testings for G1, G2 and GT on pairing-friendly curves", section 5.1).
     */
    boolean inSubgroup() {
      G2 uq = multiply(U);
      G2 psi = uq.psi();
      G2 psi2 = psi.psi();
      return uq.add(this).add(psi).add(psi2).same(uq.twice().psi().psi().psi());
    }

    G2 multiply(BigInteger scalar) {
      G2 result = INFINITY;
      for (int i = scalar.bitLength() - 1; i >= 0; i--) {
        result = result.twice();
        if (scalar.testBit(i)) {
          result = result.add(this);
        }
      }
      return result;
    }

    /** The untwist-Frobenius-twist endomorphism. */
    private G2 psi() {
      Fp2 conjugate = z.conjugate();
      return new G2(
          x.conjugate().mul(Fp12.XI_P_1_3),
          y.conjugate().mul(Fp12.XI_P_1_2),
          conjugate,
          conjugate.square());
    }

    private boolean same(G2 o) {
      if (z.isZero() || o.z.isZero()) {
        return z.isZero() && o.z.isZero();
      }
      return x.mul(o.t).same(o.x.mul(t)) && y.mul(o.t).mul(o.z).same(o.y.mul(t).mul(z));
    }
  }

  /**
   * Adds two points (EIP-196).
   *
   * @param input 128 bytes
   * @return 64 bytes, or null when a point is not on the curve
   */
  public static byte @Nullable [] add(byte[] input) {
    G1 a = g1(input, 0);
    G1 b = g1(input, 64);
    return a == null || b == null ? null : a.add(b).encode();
  }

  /**
   * Multiplies a point by a scalar (EIP-196).
   *
   * @param input 96 bytes: the point and the scalar
   * @return 64 bytes, or null when the point is not on the curve
   */
  public static byte @Nullable [] multiply(byte[] input) {
    G1 point = g1(input, 0);
    return point == null ? null : point.multiply(number(input, 64)).encode();
  }

  /**
   * Checks that the product of pairings is one (EIP-197).
   *
   * @param input pairs of 192 bytes: a G1 point and a G2 point
   * @return the answer, or null when the length or a point is not valid
   */
  public static @Nullable Boolean pairingCheck(byte[] input) {
    if (input.length % 192 != 0) {
      return null;
    }
    List<Miller> pairs = new ArrayList<>();
    for (int at = 0; at < input.length; at += 192) {
      G1 p = g1(input, at);
      Fp2 qx = fp2(input, at + 64);
      Fp2 qy = fp2(input, at + 128);
      if (p == null || qx == null || qy == null) {
        return null;
      }
      if (qx.isZero() && qy.isZero()) {
        continue;
      }
      G2 q = G2.affine(qx, qy);
      if (!qy.square().same(qx.square().mul(qx).add(TWIST_B)) || !q.inSubgroup()) {
        return null;
      }
      if (!p.z.isZero()) {
        pairs.add(new Miller(q, p));
      }
    }
    Fp12 product = miller(pairs);
    return product.isOne() || finalExponentiation(product).isOne();
  }

  /** One pair in the Miller loop; both points affine and not infinity. */
  private static final class Miller {
    private final G1 p;
    private final G2 q;
    private G2 r;

    Miller(G2 q, G1 p) {
      this.p = p;
      this.q = q;
      this.r = q;
    }

    Fp12 add(Fp12 f) {
      return add(f, q.x, q.y);
    }

    Fp12 addLast(Fp12 f) {
      Fp12 next = add(f, q.x.conjugate().mul(Fp12.XI_P_1_3), q.y.conjugate().mul(Fp12.XI_P_1_2));
      return add(next, q.x.mul(Fp12.XI_P2_1_3), q.y);
    }

    Fp12 twice(Fp12 f) {
      Fp2 a = r.x.square();
      Fp2 b = r.y.square();
      Fp2 c = b.square();
      Fp2 d = r.x.add(b).square().sub(a).sub(c).twice();
      Fp2 e = a.twice().add(a);
      Fp2 g = e.square();
      Fp2 nx = g.sub(d.twice());
      Fp2 nz = r.y.add(r.z).square().sub(b).sub(r.t);
      Fp2 ny = d.sub(nx).mul(e).sub(c.twice().twice().twice());
      Fp2 lineB = e.mul(r.t).twice().negate().mul(p.x);
      Fp2 lineA = r.x.add(e).square().sub(a).sub(g).sub(b.twice().twice());
      Fp2 lineC = nz.mul(r.t).twice().mul(p.y);
      r = new G2(nx, ny, nz, nz.square());
      return f.mulLine(lineA, lineB, lineC);
    }

    private Fp12 add(Fp12 f, Fp2 qx, Fp2 qy) {
      Fp2 qy2 = qy.square();
      Fp2 b = qx.mul(r.t);
      Fp2 d = qy.add(r.z).square().sub(qy2).sub(r.t).mul(r.t);
      Fp2 h = b.sub(r.x);
      Fp2 i = h.square();
      Fp2 e = i.twice().twice();
      Fp2 j = h.mul(e);
      Fp2 l1 = d.sub(r.y.twice());
      Fp2 v = r.x.mul(e);
      Fp2 nx = l1.square().sub(j).sub(v.twice());
      Fp2 nz = r.z.add(h).square().sub(r.t).sub(i);
      Fp2 ny = v.sub(nx).mul(l1).sub(r.y.mul(j).twice());
      Fp2 nt = nz.square();
      Fp2 t = qy.add(nz).square().sub(qy2).sub(nt);
      Fp2 lineA = l1.mul(qx).twice().sub(t);
      Fp2 lineC = nz.mul(p.y).twice();
      Fp2 lineB = l1.negate().mul(p.x).twice();
      r = new G2(nx, ny, nz, nt);
      return f.mulLine(lineA, lineB, lineC);
    }
  }

  /** Runs the loops of all pairs together: they share the squarings of their product. */
  private static Fp12 miller(List<Miller> pairs) {
    Fp12 f = Fp12.ONE;
    for (int i = SIX_U_PLUS_2.bitLength() - 2; i >= 0; i--) {
      f = f.square();
      for (Miller pair : pairs) {
        f = pair.twice(f);
        if (SIX_U_PLUS_2.testBit(i)) {
          f = pair.add(f);
        }
      }
    }
    for (Miller pair : pairs) {
      f = pair.addLast(f);
    }
    return f;
  }

  /**
   * Raises to (p¹² - 1) / n, after Beuchat and others, "High-speed software implementation of the
   * optimal ate pairing".
   */
  private static Fp12 finalExponentiation(Fp12 in) {
    Fp12 t = in.conjugate().mul(in.inverse());
    t = t.mul(t.frobenius2());
    Fp12 fp = t.frobenius();
    Fp12 fp2 = t.frobenius2();
    Fp12 fp3 = fp2.frobenius();
    Fp12 fu = t.pow(U);
    Fp12 fu2 = fu.pow(U);
    Fp12 fu3 = fu2.pow(U);
    Fp12 y0 = fp.mul(fp2).mul(fp3);
    Fp12 y1 = t.conjugate();
    Fp12 y2 = fu2.frobenius2();
    Fp12 y3 = fu.frobenius().conjugate();
    Fp12 y4 = fu.mul(fu2.frobenius()).conjugate();
    Fp12 y5 = fu2.conjugate();
    Fp12 y6 = fu3.mul(fu3.frobenius()).conjugate();
    Fp12 t0 = y6.square().mul(y4).mul(y5);
    Fp12 t1 = y3.mul(y5).mul(t0);
    t0 = t0.mul(y2);
    t1 = t1.square().mul(t0).square();
    t0 = t1.mul(y1);
    t1 = t1.mul(y0);
    return t0.square().mul(t1);
  }

  private static @Nullable G1 g1(byte[] input, int at) {
    Fp x = fp(input, at);
    Fp y = fp(input, at + 32);
    if (x == null || y == null) {
      return null;
    }
    if (x.isZero() && y.isZero()) {
      return G1.INFINITY;
    }
    return y.square().same(x.square().mul(x).add(THREE)) ? new G1(x, y, Fp.ONE) : null;
  }

  private static @Nullable Fp2 fp2(byte[] input, int at) {
    Fp im = fp(input, at);
    Fp re = fp(input, at + 32);
    return im == null || re == null ? null : new Fp2(re, im);
  }

  private static @Nullable Fp fp(byte[] input, int at) {
    BigInteger value = number(input, at);
    return value.compareTo(Fp.P) < 0 ? Fp.of(value) : null;
  }

  private static BigInteger number(byte[] input, int at) {
    return new BigInteger(1, Arrays.copyOfRange(input, at, at + 32));
  }

  private static void put(byte[] out, int at, Fp value) {
    byte[] bytes = value.toBigInteger().toByteArray();
    int length = Math.min(32, bytes.length);
    System.arraycopy(bytes, bytes.length - length, out, at + 32 - length, length);
  }
}
