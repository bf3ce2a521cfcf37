// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.crypto;

import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.math.BigInteger;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * The simplified SWU map to an isogenous curve, and the isogeny to BLS12-381 (RFC 9380, sections
 * 6.6.3 and 8.8), without the clearing of the cofactor.
 *
 * @param <E> elements of the field
 */
final class MapToCurve<E> {
  /** The modulus of the base field. */
  static final BigInteger P =
      new BigInteger(
          "1a0111ea397fe69a4b1ba7b6434bacd764774b84f38512bf6730d2a0f6b0f6241eabfffeb153ffffb9feffffffffaaab",
          16);

  private static final BigInteger SQRT_EXPONENT = P.add(BigInteger.ONE).shiftRight(2);
  private static final BigInteger HALF = BigInteger.TWO.modInverse(P);

  /** To G1: by an isogeny of degree 11. */
  static final MapToCurve<BigInteger> G1 =
      new MapToCurve<>(
          new Fp(),
          new BigInteger(
              "144698a3b8e9433d693a02c96d4982b0ea985383ee66a8d8e8981aefd881ac98936f8da0e0f97f5cf428082d584c1d",
              16),
          new BigInteger(
              "12e2908d11688030018b12e8753eee3b2016c1f0f24f4070a0b9c14fcef35ef55a23215a316ceaa5d1cc48e98e172be0",
              16),
          BigInteger.valueOf(11),
          "G1");

  /** To G2: by an isogeny of degree 3. */
  static final MapToCurve<Fp2> G2 =
      new MapToCurve<>(
          new QuadraticField(),
          new Fp2(BigInteger.ZERO, BigInteger.valueOf(240)),
          new Fp2(BigInteger.valueOf(1012), BigInteger.valueOf(1012)),
          new Fp2(P.subtract(BigInteger.TWO), P.subtract(BigInteger.ONE)),
          "G2");

  /** A finite field. */
  interface Field<E> {
    E read(String line);

    E one();

    E add(E a, E b);

    E multiply(E a, E b);

    E negate(E a);

    E inverse(E a);

    boolean isZero(E a);

    /** Returns a square root, or null when there is none. */
    @Nullable E sqrt(E a);

    /** Returns the sign of RFC 9380, section 4.1. */
    int sign(E a);
  }

  /** A point in affine coordinates. */
  record Point<E>(E x, E y) {}

  /** c0 + c1 · i, with i² = -1. */
  record Fp2(BigInteger c0, BigInteger c1) {
    Fp2 conjugate() {
      return new Fp2(c0, c1.negate().mod(P));
    }
  }

  private final Field<E> field;
  private final E a;
  private final E b;
  private final E z;
  private final E minusBOverA;
  private final E bOverZa;
  private final List<E> xNumerator;
  private final List<E> xDenominator;
  private final List<E> yNumerator;
  private final List<E> yDenominator;

  private MapToCurve(Field<E> field, E a, E b, E z, String isogeny) {
    this.field = field;
    this.a = a;
    this.b = b;
    this.z = z;
    minusBOverA = field.negate(field.multiply(b, field.inverse(a)));
    bOverZa = field.multiply(b, field.inverse(field.multiply(z, a)));
    xNumerator = coefficients(isogeny + " xNumerator");
    xDenominator = coefficients(isogeny + " xDenominator");
    yNumerator = coefficients(isogeny + " yNumerator");
    yDenominator = coefficients(isogeny + " yDenominator");
    // the denominators are monic, and the list leaves that coefficient out
    xDenominator.add(field.one());
    yDenominator.add(field.one());
  }

  private List<E> coefficients(String title) {
    List<E> out = new ArrayList<>();
    try (InputStream in = MapToCurve.class.getResourceAsStream("bls12381-isogenies.txt")) {
      if (in == null) {
        throw new IllegalStateException("bls12381-isogenies.txt is not in the bundle");
      }
      boolean found = false;
      for (String line : new String(in.readAllBytes(), StandardCharsets.US_ASCII).split("\n", -1)) {
        if (line.equals(title)) {
          found = true;
        } else if (found && line.isEmpty()) {
          break;
        } else if (found) {
          out.add(field.read(line));
        }
      }
    } catch (IOException unreadable) {
      throw new UncheckedIOException(unreadable);
    }
    return out;
  }

  /** Maps a field element to a point of the curve, not yet of its subgroup. */
  Point<E> map(E u) {
    E zu2 = field.multiply(z, field.multiply(u, u));
    E denominator = field.add(field.multiply(zu2, zu2), zu2);
    E x =
        field.isZero(denominator)
            ? bOverZa
            : field.multiply(minusBOverA, field.add(field.one(), field.inverse(denominator)));
    E y = field.sqrt(curve(x));
    if (y == null) {
      x = field.multiply(zu2, x);
      y = field.sqrt(curve(x));
      if (y == null) {
        throw new IllegalStateException("one of the two candidates is always a square");
      }
    }
    if (field.sign(u) != field.sign(y)) {
      y = field.negate(y);
    }
    return new Point<>(
        field.multiply(at(xNumerator, x), field.inverse(at(xDenominator, x))),
        field.multiply(y, field.multiply(at(yNumerator, x), field.inverse(at(yDenominator, x)))));
  }

  /** Returns x³ + a·x + b. */
  private E curve(E x) {
    return field.add(field.multiply(field.add(field.multiply(x, x), a), x), b);
  }

  private E at(List<E> polynomial, E x) {
    E value = polynomial.get(polynomial.size() - 1);
    for (int i = polynomial.size() - 2; i >= 0; i--) {
      value = field.add(field.multiply(value, x), polynomial.get(i));
    }
    return value;
  }

  private static @Nullable BigInteger root(BigInteger value) {
    BigInteger root = value.modPow(SQRT_EXPONENT, P);
    return root.multiply(root).mod(P).equals(value) ? root : null;
  }

  private static final class Fp implements Field<BigInteger> {
    @Override
    public BigInteger read(String line) {
      return new BigInteger(line, 16);
    }

    @Override
    public BigInteger one() {
      return BigInteger.ONE;
    }

    @Override
    public BigInteger add(BigInteger a, BigInteger b) {
      return a.add(b).mod(P);
    }

    @Override
    public BigInteger multiply(BigInteger a, BigInteger b) {
      return a.multiply(b).mod(P);
    }

    @Override
    public BigInteger negate(BigInteger a) {
      return a.negate().mod(P);
    }

    @Override
    public BigInteger inverse(BigInteger a) {
      return a.signum() == 0 ? a : a.modInverse(P);
    }

    @Override
    public boolean isZero(BigInteger a) {
      return a.signum() == 0;
    }

    @Override
    public @Nullable BigInteger sqrt(BigInteger a) {
      return root(a);
    }

    @Override
    public int sign(BigInteger a) {
      return a.testBit(0) ? 1 : 0;
    }
  }

  /** The extension of degree 2 that G2 is over. */
  static final class QuadraticField implements Field<Fp2> {
    @Override
    public Fp2 read(String line) {
      String[] parts = line.split(" ", 2);
      return new Fp2(new BigInteger(parts[0], 16), new BigInteger(parts[1], 16));
    }

    @Override
    public Fp2 one() {
      return new Fp2(BigInteger.ONE, BigInteger.ZERO);
    }

    @Override
    public Fp2 add(Fp2 a, Fp2 b) {
      return new Fp2(a.c0.add(b.c0).mod(P), a.c1.add(b.c1).mod(P));
    }

    @Override
    public Fp2 multiply(Fp2 a, Fp2 b) {
      BigInteger low = a.c0.multiply(b.c0);
      BigInteger high = a.c1.multiply(b.c1);
      BigInteger cross = a.c0.add(a.c1).multiply(b.c0.add(b.c1)).subtract(low).subtract(high);
      return new Fp2(low.subtract(high).mod(P), cross.mod(P));
    }

    @Override
    public Fp2 negate(Fp2 a) {
      return new Fp2(a.c0.negate().mod(P), a.c1.negate().mod(P));
    }

    @Override
    public Fp2 inverse(Fp2 a) {
      if (isZero(a)) {
        return a;
      }
      BigInteger n = norm(a).modInverse(P);
      return new Fp2(a.c0.multiply(n).mod(P), a.c1.negate().multiply(n).mod(P));
    }

    private static BigInteger norm(Fp2 a) {
      return a.c0.multiply(a.c0).add(a.c1.multiply(a.c1)).mod(P);
    }

    @Override
    public boolean isZero(Fp2 a) {
      return a.c0.signum() == 0 && a.c1.signum() == 0;
    }

    @Override
    public @Nullable Fp2 sqrt(Fp2 a) {
      if (a.c1.signum() == 0) {
        BigInteger real = root(a.c0);
        if (real != null) {
          return new Fp2(real, BigInteger.ZERO);
        }
        BigInteger imaginary = root(a.c0.negate().mod(P));
        return imaginary == null ? null : new Fp2(BigInteger.ZERO, imaginary);
      }
      BigInteger length = root(norm(a));
      if (length == null) {
        return null;
      }
      BigInteger c0 = root(a.c0.add(length).multiply(HALF).mod(P));
      if (c0 == null) {
        c0 = root(a.c0.subtract(length).multiply(HALF).mod(P));
      }
      if (c0 == null) {
        return null;
      }
      BigInteger c1 = a.c1.multiply(HALF).multiply(c0.modInverse(P)).mod(P);
      return new Fp2(c0, c1);
    }

    @Override
    public int sign(Fp2 a) {
      boolean odd = a.c0.signum() == 0 ? a.c1.testBit(0) : a.c0.testBit(0);
      return odd ? 1 : 0;
    }
  }
}
