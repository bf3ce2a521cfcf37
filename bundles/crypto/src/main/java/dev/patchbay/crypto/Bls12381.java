// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.crypto;

import dev.patchbay.crypto.MapToCurve.Fp2;
import java.math.BigInteger;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.function.BiFunction;
import java.util.function.BinaryOperator;
import java.util.function.Supplier;
import java.util.function.UnaryOperator;
import org.jspecify.annotations.Nullable;
import supranational.blst.P1;
import supranational.blst.P1_Affine;
import supranational.blst.P2;
import supranational.blst.P2_Affine;
import supranational.blst.PT;

/**
 * The operations on BLS12-381 of EIP-2537, on its encodings: a field element is 64 bytes, the first
 * 16 of them zero; a point of G1 is 128 bytes (x, y), one of G2 256 (x.c0, x.c1, y.c0, y.c1); all
 * zeros is the point at infinity. Each method returns null when the input is not of that form, a
 * point is not on its curve or, where the EIP asks for it, not in the subgroup.
 *
 * <p>Threading: stateless. The native blst library loads on first use.
 */
public final class Bls12381 {
  /** Bytes of a point of G1. */
  public static final int G1_SIZE = 128;

  /** Bytes of a point of G2. */
  public static final int G2_SIZE = 256;

  private static final int ELEMENT = 64;
  private static final int PADDING = 16;
  private static final int SCALAR = 32;

  /** From so many products on, buckets are faster than a multiplication each. */
  private static final int BUCKETS_PAY = 16;

  /** What clears the cofactor of G1 (RFC 9380, section 8.8.1), and the size of the parameter x. */
  private static final BigInteger PARAMETER = new BigInteger("d201000000010000", 16);

  private static final BigInteger CLEAR_G1 = PARAMETER.add(BigInteger.ONE);
  private static final MapToCurve.QuadraticField FP2 = new MapToCurve.QuadraticField();
  private static final Fp2 PSI_X = power(3);
  private static final Fp2 PSI_Y = power(2);

  private Bls12381() {}

  /** Returns 1 / (1 + i)^((p - 1) / divisor). */
  private static Fp2 power(int divisor) {
    BigInteger exponent = MapToCurve.P.subtract(BigInteger.ONE).divide(BigInteger.valueOf(divisor));
    Fp2 base = new Fp2(BigInteger.ONE, BigInteger.ONE);
    Fp2 out = FP2.one();
    for (int bit = exponent.bitLength() - 1; bit >= 0; bit--) {
      out = FP2.multiply(out, out);
      if (exponent.testBit(bit)) {
        out = FP2.multiply(out, base);
      }
    }
    return FP2.inverse(out);
  }

  /** Adds two points of G1, which need not be in the subgroup. */
  public static byte @Nullable [] addG1(byte[] input) {
    if (input.length == 2 * G1_SIZE && (hasNoX(input, 0) || hasNoX(input, G1_SIZE))) {
      return addInJava(input);
    }
    P1 a = input.length == 2 * G1_SIZE ? readG1(input, 0, false) : null;
    P1 b = a == null ? null : readG1(input, G1_SIZE, false);
    return a == null || b == null ? null : write(a.add(b));
  }

  /** Returns whether a point is (0, ±2): on the curve, of order 3, and refused by blst. */
  private static boolean hasNoX(byte[] in, int at) {
    return isZero(in, at, ELEMENT) && !isZero(in, at + ELEMENT, ELEMENT);
  }

  private static byte @Nullable [] addInJava(byte[] input) {
    BigInteger p = MapToCurve.P;
    BigInteger[] c = new BigInteger[4];
    for (int i = 0; i < 4; i++) {
      BigInteger value = element(input, i * ELEMENT);
      if (value == null) {
        return null;
      }
      c[i] = value;
    }
    boolean[] infinite = new boolean[2];
    for (int i = 0; i < 2; i++) {
      BigInteger x = c[2 * i];
      BigInteger y = c[2 * i + 1];
      infinite[i] = x.signum() == 0 && y.signum() == 0;
      BigInteger curve = x.pow(3).add(BigInteger.valueOf(4)).mod(p);
      if (!infinite[i] && !y.multiply(y).mod(p).equals(curve)) {
        return null;
      }
    }
    if (infinite[0] || infinite[1]) {
      int other = infinite[0] ? G1_SIZE : 0;
      return Arrays.copyOfRange(input, other, other + G1_SIZE);
    }
    if (c[0].equals(c[2]) && c[1].add(c[3]).mod(p).signum() == 0) {
      return new byte[G1_SIZE];
    }
    BigInteger slope =
        c[0].equals(c[2])
            ? c[0].pow(2).multiply(BigInteger.valueOf(3)).multiply(c[1].shiftLeft(1).modInverse(p))
            : c[3].subtract(c[1]).multiply(c[2].subtract(c[0]).mod(p).modInverse(p));
    BigInteger x = slope.multiply(slope).subtract(c[0]).subtract(c[2]).mod(p);
    BigInteger y = slope.multiply(c[0].subtract(x)).subtract(c[1]).mod(p);
    byte[] out = new byte[G1_SIZE];
    put(x, out, 0);
    put(y, out, ELEMENT);
    return out;
  }

  /** Adds two points of G2, which need not be in the subgroup. */
  public static byte @Nullable [] addG2(byte[] input) {
    P2 a = input.length == 2 * G2_SIZE ? readG2(input, 0, false) : null;
    P2 b = a == null ? null : readG2(input, G2_SIZE, false);
    return a == null || b == null ? null : write(a.add(b));
  }

  /** Returns the sum of products of points of G1 and scalars of 32 bytes. */
  public static byte @Nullable [] sumG1(byte[] input) {
    int item = G1_SIZE + SCALAR;
    if (input.length == 0 || input.length % item != 0) {
      return null;
    }
    List<P1> points = new ArrayList<>();
    List<BigInteger> scalars = new ArrayList<>();
    for (int at = 0; at < input.length; at += item) {
      P1 point = readG1(input, at, true);
      if (point == null) {
        return null;
      }
      BigInteger scalar = scalar(input, at + G1_SIZE);
      if (scalar.signum() != 0 && !point.is_inf()) {
        points.add(point);
        scalars.add(scalar);
      }
    }
    return write(sum(G1, points, scalars));
  }

  /** Returns the sum of products of points of G2 and scalars of 32 bytes. */
  public static byte @Nullable [] sumG2(byte[] input) {
    int item = G2_SIZE + SCALAR;
    if (input.length == 0 || input.length % item != 0) {
      return null;
    }
    List<P2> points = new ArrayList<>();
    List<BigInteger> scalars = new ArrayList<>();
    for (int at = 0; at < input.length; at += item) {
      P2 point = readG2(input, at, true);
      if (point == null) {
        return null;
      }
      BigInteger scalar = scalar(input, at + G2_SIZE);
      if (scalar.signum() != 0 && !point.is_inf()) {
        points.add(point);
        scalars.add(scalar);
      }
    }
    return write(sum(G2, points, scalars));
  }

  /** The operations of blst's points, which change their receiver. */
  private record Group<T>(
      Supplier<T> zero,
      UnaryOperator<T> copy,
      BinaryOperator<T> add,
      UnaryOperator<T> twice,
      BiFunction<T, BigInteger, T> multiply) {}

  private static final Group<P1> G1 =
      new Group<>(P1::new, P1::dup, (a, b) -> a.add(b), P1::dbl, P1::mult);
  private static final Group<P2> G2 =
      new Group<>(P2::new, P2::dup, (a, b) -> a.add(b), P2::dbl, P2::mult);

  /**
   * Adds products: few one by one, more by buckets. In each window of bits of the scalars the
   * points are added up by their digit, and the buckets with running sums (Pippenger's algorithm).
   */
  private static <T> T sum(Group<T> group, List<T> points, List<BigInteger> scalars) {
    T sum = group.zero.get();
    if (points.size() < BUCKETS_PAY) {
      for (int i = 0; i < points.size(); i++) {
        sum = group.add.apply(sum, group.multiply.apply(points.get(i), scalars.get(i)));
      }
      return sum;
    }
    int window = points.size() < 64 ? 4 : points.size() < 256 ? 5 : points.size() < 1024 ? 7 : 9;
    int bits = Kzg.MODULUS.bitLength();
    for (int low = (bits - 1) / window * window; low >= 0; low -= window) {
      for (int i = 0; i < window; i++) {
        sum = group.twice.apply(sum);
      }
      List<@Nullable T> buckets = new ArrayList<>(Collections.nCopies(1 << window, null));
      for (int i = 0; i < points.size(); i++) {
        int digit = digit(scalars.get(i), low, window);
        if (digit != 0) {
          T bucket = buckets.get(digit);
          buckets.set(
              digit,
              bucket == null
                  ? group.copy.apply(points.get(i))
                  : group.add.apply(bucket, points.get(i)));
        }
      }
      T running = group.zero.get();
      T total = group.zero.get();
      for (int digit = (1 << window) - 1; digit > 0; digit--) {
        T bucket = buckets.get(digit);
        if (bucket != null) {
          running = group.add.apply(running, bucket);
        }
        total = group.add.apply(total, running);
      }
      sum = group.add.apply(sum, total);
    }
    return sum;
  }

  private static int digit(BigInteger scalar, int low, int window) {
    int digit = 0;
    for (int bit = window - 1; bit >= 0; bit--) {
      digit = digit << 1 | (scalar.testBit(low + bit) ? 1 : 0);
    }
    return digit;
  }

  /** Returns whether the product of the pairings of (G1, G2) pairs is one. */
  public static @Nullable Boolean pairingCheck(byte[] input) {
    int item = G1_SIZE + G2_SIZE;
    if (input.length == 0 || input.length % item != 0) {
      return null;
    }
    PT product = PT.one();
    for (int at = 0; at < input.length; at += item) {
      P1 p = readG1(input, at, true);
      P2 q = p == null ? null : readG2(input, at + G1_SIZE, true);
      if (p == null || q == null) {
        return null;
      }
      if (!p.is_inf() && !q.is_inf()) {
        product = product.mul(new PT(p.to_affine(), q.to_affine()));
      }
    }
    return product.final_exp().is_one();
  }

  /** Maps a field element of 64 bytes to a point of G1. */
  public static byte @Nullable [] mapToG1(byte[] input) {
    BigInteger u = input.length == ELEMENT ? element(input, 0) : null;
    if (u == null) {
      return null;
    }
    MapToCurve.Point<BigInteger> point = MapToCurve.G1.map(u);
    byte[] encoded = new byte[G1_SIZE];
    put(point.x(), encoded, 0);
    put(point.y(), encoded, ELEMENT);
    P1 onCurve = readG1(encoded, 0, false);
    return onCurve == null ? null : write(onCurve.mult(CLEAR_G1));
  }

  /** Maps an element of Fp2 (128 bytes: c0, c1) to a point of G2. */
  public static byte @Nullable [] mapToG2(byte[] input) {
    if (input.length != 2 * ELEMENT) {
      return null;
    }
    BigInteger c0 = element(input, 0);
    BigInteger c1 = element(input, ELEMENT);
    if (c0 == null || c1 == null) {
      return null;
    }
    MapToCurve.Point<Fp2> point = MapToCurve.G2.map(new Fp2(c0, c1));
    P2 p = encode(point.x(), point.y());
    // RFC 9380, appendix G.3, with x = -PARAMETER: [x² - x - 1]P + [x - 1]ψ(P) + ψ²([2]P)
    P2 xp = p.dup().mult(PARAMETER).neg();
    P2 psi = psi(p);
    P2 out = psi(psi(p.dup().dbl()));
    out = out.add(xp.dup().add(psi.dup()).mult(PARAMETER).neg()); // x² P + x ψ(P)
    out = out.add(xp.neg()).add(psi.neg()).add(p.neg());
    return write(out);
  }

  /** The untwist-Frobenius-twist endomorphism. */
  private static P2 psi(P2 point) {
    if (point.is_inf()) {
      return point;
    }
    byte[] raw = write(point);
    Fp2 x = new Fp2(number(raw, 0), number(raw, ELEMENT));
    Fp2 y = new Fp2(number(raw, 2 * ELEMENT), number(raw, 3 * ELEMENT));
    return encode(FP2.multiply(x.conjugate(), PSI_X), FP2.multiply(y.conjugate(), PSI_Y));
  }

  private static P2 encode(Fp2 x, Fp2 y) {
    byte[] encoded = new byte[G2_SIZE];
    put(x.c0(), encoded, 0);
    put(x.c1(), encoded, ELEMENT);
    put(y.c0(), encoded, 2 * ELEMENT);
    put(y.c1(), encoded, 3 * ELEMENT);
    P2 point = readG2(encoded, 0, false);
    if (point == null) {
      throw new IllegalStateException("the map has left the curve");
    }
    return point;
  }

  // ---- encodings

  private static BigInteger scalar(byte[] in, int at) {
    return new BigInteger(1, in, at, SCALAR).mod(Kzg.MODULUS);
  }

  private static BigInteger number(byte[] in, int at) {
    return new BigInteger(1, in, at, ELEMENT);
  }

  /** Reads a field element; null when it is the modulus or more. */
  private static @Nullable BigInteger element(byte[] in, int at) {
    BigInteger value = number(in, at);
    return value.compareTo(MapToCurve.P) < 0 ? value : null;
  }

  private static void put(BigInteger value, byte[] out, int at) {
    byte[] bytes = value.toByteArray();
    int length = Math.min(bytes.length, ELEMENT);
    System.arraycopy(bytes, bytes.length - length, out, at + ELEMENT - length, length);
  }

  private static boolean isZero(byte[] in, int at, int length) {
    for (int i = at; i < at + length; i++) {
      if (in[i] != 0) {
        return false;
      }
    }
    return true;
  }

  private static @Nullable P1 readG1(byte[] in, int at, boolean inSubgroup) {
    if (isZero(in, at, G1_SIZE)) {
      return new P1();
    }
    byte[] raw = new byte[96];
    for (int i = 0; i < 2; i++) {
      if (element(in, at + i * ELEMENT) == null) {
        return null;
      }
      System.arraycopy(in, at + i * ELEMENT + PADDING, raw, 48 * i, 48);
    }
    try {
      P1_Affine point = new P1_Affine(raw);
      return !point.on_curve() || (inSubgroup && !point.in_group()) ? null : point.to_jacobian();
    } catch (RuntimeException notOnCurve) {
      return null;
    }
  }

  private static @Nullable P2 readG2(byte[] in, int at, boolean inSubgroup) {
    if (isZero(in, at, G2_SIZE)) {
      return new P2();
    }
    byte[] raw = new byte[192];
    for (int i = 0; i < 4; i++) {
      if (element(in, at + i * ELEMENT) == null) {
        return null;
      }
      // blst has the imaginary part first
      System.arraycopy(in, at + i * ELEMENT + PADDING, raw, 48 * (i ^ 1), 48);
    }
    try {
      P2_Affine point = new P2_Affine(raw);
      return !point.on_curve() || (inSubgroup && !point.in_group()) ? null : point.to_jacobian();
    } catch (RuntimeException notOnCurve) {
      return null;
    }
  }

  private static byte[] write(P1 point) {
    byte[] out = new byte[G1_SIZE];
    if (!point.is_inf()) {
      byte[] raw = point.serialize();
      for (int i = 0; i < 2; i++) {
        System.arraycopy(raw, 48 * i, out, i * ELEMENT + PADDING, 48);
      }
    }
    return out;
  }

  private static byte[] write(P2 point) {
    byte[] out = new byte[G2_SIZE];
    if (!point.is_inf()) {
      byte[] raw = point.serialize();
      for (int i = 0; i < 4; i++) {
        System.arraycopy(raw, 48 * (i ^ 1), out, i * ELEMENT + PADDING, 48);
      }
    }
    return out;
  }
}
