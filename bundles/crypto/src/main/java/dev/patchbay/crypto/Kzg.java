// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.crypto;

import java.math.BigInteger;
import java.util.Arrays;
import java.util.HexFormat;
import supranational.blst.P1;
import supranational.blst.P1_Affine;
import supranational.blst.P2;
import supranational.blst.P2_Affine;
import supranational.blst.PT;

/**
 * KZG point evaluation over BLS12-381 (EIP-4844). Checking one proof needs a single element of the
 * trusted setup, [τ]₂, so no setup file is read.
 *
 * <p>Threading: stateless. The native blst library loads on first use.
 */
public final class Kzg {
  /** Order of the scalar field of BLS12-381. */
  public static final BigInteger MODULUS =
      new BigInteger("73eda753299d7d483339d80809a1d80553bda402fffe5bfeffffffff00000001", 16);

  /** [τ]₂ of the mainnet KZG ceremony, compressed. */
  private static final byte[] TAU_G2 =
      HexFormat.of()
          .parseHex(
              "b5bfd7dd8cdeb128843bc287230af38926187075cbfbefa81009a2ce615ac53d"
                  + "2914e5870cb452d2afaaab24f3499f72185cbfee53492714734429b7b38608e2"
                  + "3926c911cceceac9a36851477ba4c60b087041de621000edc98edada20c1def2");

  private Kzg() {}

  /**
   * Checks that the polynomial committed to takes the value {@code y} at {@code z}.
   *
   * @param commitment 48 bytes, compressed G1
   * @param z 32 bytes, big-endian, below {@link #MODULUS}
   * @param y 32 bytes, big-endian, below {@link #MODULUS}
   * @param proof 48 bytes, compressed G1
   * @return false when the proof does not hold or an argument is not a canonical encoding
   */
  public static boolean verifyProof(byte[] commitment, byte[] z, byte[] y, byte[] proof) {
    BigInteger point = new BigInteger(1, z);
    BigInteger value = new BigInteger(1, y);
    if (point.compareTo(MODULUS) >= 0 || value.compareTo(MODULUS) >= 0) {
      return false;
    }
    P1_Affine c;
    P1_Affine pi;
    try {
      c = decode(commitment);
      pi = decode(proof);
    } catch (RuntimeException malformed) {
      return false;
    }
    // e(C - [y]₁, -[1]₂) · e(π, [τ]₂ - [z]₂) = 1
    P1 left = c.to_jacobian().add(multiply(P1.generator(), value).neg());
    P2 right = new P2(new P2_Affine(TAU_G2)).add(multiply(P2.generator(), point).neg());
    PT product = miller(left, P2.generator().neg()).mul(miller(pi.to_jacobian(), right));
    return product.final_exp().is_one();
  }

  static PT miller(P1 p, P2 q) {
    return p.is_inf() || q.is_inf() ? PT.one() : new PT(p.to_affine(), q.to_affine());
  }

  static P1 multiply(P1 point, BigInteger scalar) {
    return scalar.signum() == 0 ? new P1() : point.mult(scalar);
  }

  private static P2 multiply(P2 point, BigInteger scalar) {
    return scalar.signum() == 0 ? new P2() : point.mult(scalar);
  }

  /** Reads a point; fails when it is not canonical or outside of the subgroup. */
  static P1_Affine decode(byte[] compressed) {
    if ((compressed[0] & 0x80) == 0) {
      throw new IllegalArgumentException("not a compressed point");
    }
    P1_Affine point = new P1_Affine(Arrays.copyOf(compressed, 48));
    if (!point.in_group()) {
      throw new IllegalArgumentException("point outside of the subgroup");
    }
    return point;
  }
}
