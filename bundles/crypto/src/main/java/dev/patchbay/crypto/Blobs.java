// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.crypto;

import java.io.IOException;
import java.io.InputStream;
import java.math.BigInteger;
import java.nio.charset.StandardCharsets;
import java.security.SecureRandom;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.List;
import java.util.Objects;
import supranational.blst.P1;
import supranational.blst.P2;
import supranational.blst.P2_Affine;
import supranational.blst.PT;

/**
 * Checks that a blob is what its KZG commitment says: a polynomial given by its values at the 4,096
 * roots of unity, in bit-reversed order (EIP-4844, EIP-7594, consensus-specs).
 *
 * <p>Threading: stateless. The native blst library loads on first use.
 */
public final class Blobs {
  /** Bytes of a blob. */
  public static final int BLOB_BYTES = 131_072;

  /** Proofs of a blob under EIP-7594: one for each cell of its extension to twice the size. */
  public static final int CELLS = 128;

  /** Bytes of a cell. */
  public static final int CELL_BYTES = 2 * BLOB_BYTES / CELLS;

  private static final int ELEMENTS = 4_096;
  private static final int CELL_ELEMENTS = 64;
  private static final BigInteger MODULUS = Kzg.MODULUS;
  private static final BigInteger GENERATOR = BigInteger.valueOf(7);
  private static final byte[] CHALLENGE_DOMAIN =
      "FSBLOBVERIFY_V1_".getBytes(StandardCharsets.US_ASCII);

  private Blobs() {}

  /** Powers of tau, read when they are first needed. */
  private static final class Setup {
    static final List<P1> G1 = new ArrayList<>();
    static final P2 LAST_G2;

    static {
      List<byte[]> points = new ArrayList<>();
      try (InputStream in = Blobs.class.getResourceAsStream("kzg_setup.txt")) {
        String text =
            new String(
                Objects.requireNonNull(in, "kzg_setup.txt").readAllBytes(),
                StandardCharsets.US_ASCII);
        text.lines()
            .filter(line -> !line.startsWith("#"))
            .forEach(line -> points.add(HexFormat.of().parseHex(line)));
      } catch (IOException unreadable) {
        throw new IllegalStateException("cannot read kzg_setup.txt", unreadable);
      }
      for (int i = 0; i < CELL_ELEMENTS; i++) {
        G1.add(Kzg.decode(points.get(i)).to_jacobian());
      }
      LAST_G2 = new P2(new P2_Affine(points.get(CELL_ELEMENTS)));
    }
  }

  /** Returns the hash by which a transaction names a commitment (EIP-4844). */
  public static byte[] versionedHash(byte[] commitment) {
    byte[] hash = Digests.sha256(commitment, 0, commitment.length);
    hash[0] = 1;
    return hash;
  }

  /**
   * Checks a blob by one proof (EIP-4844).
   *
   * @param blob {@link #BLOB_BYTES} bytes
   * @param commitment 48 bytes, compressed G1
   * @param proof 48 bytes, compressed G1
   * @return false when the proof does not hold or an argument is not a canonical encoding
   */
  public static boolean verify(byte[] blob, byte[] commitment, byte[] proof) {
    BigInteger[] coefficients = coefficients(blob);
    if (coefficients.length == 0) {
      return false;
    }
    BigInteger point = challenge(blob, commitment);
    BigInteger value = BigInteger.ZERO;
    for (int i = ELEMENTS - 1; i >= 0; i--) {
      value = value.multiply(point).add(coefficients[i]).mod(MODULUS);
    }
    return Kzg.verifyProof(commitment, bytes(point), bytes(value), proof);
  }

  private static BigInteger challenge(byte[] blob, byte[] commitment) {
    byte[] data = Arrays.copyOf(CHALLENGE_DOMAIN, 32 + blob.length + commitment.length);
    data[30] = (byte) (ELEMENTS >> 8); // the degree, 16 bytes big-endian
    System.arraycopy(blob, 0, data, 32, blob.length);
    System.arraycopy(commitment, 0, data, 32 + blob.length, commitment.length);
    return new BigInteger(1, Digests.sha256(data, 0, data.length)).mod(MODULUS);
  }

  private static byte[] bytes(BigInteger element) {
    byte[] out = new byte[32];
    byte[] magnitude = element.toByteArray();
    int length = Math.min(32, magnitude.length);
    System.arraycopy(magnitude, magnitude.length - length, out, 32 - length, length);
    return out;
  }

  /**
   * Checks a blob by the proofs of all its cells (EIP-7594): random multiples of all equations are
   * added up, so that two pairings serve for all.
   *
   * @param blob {@link #BLOB_BYTES} bytes
   * @param commitment 48 bytes, compressed G1
   * @param proofs {@link #CELLS} proofs of 48 bytes, compressed G1
   * @return false when a proof does not hold or an argument is not a canonical encoding
   */
  public static boolean verifyCells(byte[] blob, byte[] commitment, List<byte[]> proofs) {
    BigInteger[] coefficients = coefficients(blob);
    if (coefficients.length == 0 || proofs.size() != CELLS) {
      return false;
    }
    P1 c;
    List<P1> points = new ArrayList<>();
    try {
      c = Kzg.decode(commitment).to_jacobian();
      for (byte[] proof : proofs) {
        points.add(Kzg.decode(proof).to_jacobian());
      }
    } catch (RuntimeException malformed) {
      return false;
    }
    // On cell i the polynomial is p mod (X^64 - shift_i), and
    // C - [p mod (X^64 - shift_i)] = proof_i (tau^64 - shift_i)
    SecureRandom random = new SecureRandom();
    BigInteger root = root(CELLS);
    BigInteger sum = BigInteger.ZERO;
    BigInteger[] powers = new BigInteger[ELEMENTS / CELL_ELEMENTS]; // of the shifts, weighted
    Arrays.fill(powers, BigInteger.ZERO);
    P1 proof = new P1();
    P1 shifted = new P1();
    for (int i = 0; i < CELLS; i++) {
      BigInteger weight = new BigInteger(128, random).add(BigInteger.ONE);
      BigInteger shift = root.modPow(BigInteger.valueOf(Integer.reverse(i) >>> 25), MODULUS);
      sum = sum.add(weight);
      BigInteger power = weight;
      for (int k = 0; k < powers.length; k++) {
        powers[k] = powers[k].add(power);
        power = power.multiply(shift).mod(MODULUS);
      }
      P1 point = points.get(i);
      proof = proof.add(Kzg.multiply(point.dup(), weight));
      shifted = shifted.add(Kzg.multiply(point.dup(), weight.multiply(shift).mod(MODULUS)));
    }
    P1 left = Kzg.multiply(c, sum).add(shifted);
    for (int j = 0; j < CELL_ELEMENTS; j++) {
      BigInteger coefficient = BigInteger.ZERO;
      for (int k = 0; k < powers.length; k++) {
        coefficient = coefficient.add(coefficients[k * CELL_ELEMENTS + j].multiply(powers[k]));
      }
      BigInteger factor = coefficient.negate().mod(MODULUS);
      left = left.add(Kzg.multiply(Setup.G1.get(j).dup(), factor));
    }
    PT product = Kzg.miller(left, P2.generator().neg()).mul(Kzg.miller(proof, Setup.LAST_G2.dup()));
    return product.final_exp().is_one();
  }

  /**
   * Returns the cells of a blob one after the other (EIP-7594): the blob itself makes the first
   * half, the values of its polynomial at as many other points the second.
   *
   * @param blob {@link #BLOB_BYTES} bytes
   * @return {@link #CELLS} cells of {@link #CELL_BYTES} bytes
   * @throws IllegalArgumentException when an element is not below the modulus
   */
  public static byte[] cells(byte[] blob) {
    BigInteger[] values = coefficients(blob);
    if (values.length == 0) {
      throw new IllegalArgumentException("not a blob: an element is not below the modulus");
    }
    // the other points are those of the blob, times a root of twice the order
    BigInteger step = root(2 * ELEMENTS);
    BigInteger factor = BigInteger.ONE;
    for (int i = 0; i < ELEMENTS; i++) {
      values[i] = values[i].multiply(factor).mod(MODULUS);
      factor = factor.multiply(step).mod(MODULUS);
    }
    evaluate(values);
    byte[] both = Arrays.copyOf(blob, 2 * BLOB_BYTES);
    for (int i = 0; i < ELEMENTS; i++) {
      System.arraycopy(bytes(values[i]), 0, both, BLOB_BYTES + 32 * i, 32);
    }
    return both;
  }

  /** Replaces coefficients by values at the roots of unity, in bit-reversed order. */
  private static void evaluate(BigInteger[] values) {
    for (int size = ELEMENTS; size >= 2; size /= 2) {
      BigInteger step = root(size);
      BigInteger factor = BigInteger.ONE;
      for (int at = 0; at < size / 2; at++) {
        for (int i = at; i < ELEMENTS; i += size) {
          BigInteger low = values[i];
          BigInteger high = values[i + size / 2];
          values[i] = low.add(high).mod(MODULUS);
          values[i + size / 2] = low.subtract(high).multiply(factor).mod(MODULUS);
        }
        factor = factor.multiply(step).mod(MODULUS);
      }
    }
  }

  private static BigInteger root(int order) {
    BigInteger exponent = MODULUS.subtract(BigInteger.ONE).divide(BigInteger.valueOf(order));
    return GENERATOR.modPow(exponent, MODULUS);
  }

  /**
   * Returns the coefficients of the polynomial: an inverse Fourier transform, whose input is in
   * bit-reversed order as it is in a blob. Empty when an element is not below the modulus.
   */
  private static BigInteger[] coefficients(byte[] blob) {
    if (blob.length != BLOB_BYTES) {
      return new BigInteger[0];
    }
    BigInteger[] values = new BigInteger[ELEMENTS];
    for (int i = 0; i < ELEMENTS; i++) {
      values[i] = new BigInteger(1, blob, 32 * i, 32);
      if (values[i].compareTo(MODULUS) >= 0) {
        return new BigInteger[0];
      }
    }
    for (int size = 2; size <= ELEMENTS; size *= 2) {
      BigInteger step = root(size).modInverse(MODULUS);
      BigInteger factor = BigInteger.ONE;
      for (int at = 0; at < size / 2; at++) {
        for (int i = at; i < ELEMENTS; i += size) {
          BigInteger odd = values[i + size / 2].multiply(factor).mod(MODULUS);
          BigInteger even = values[i];
          values[i] = even.add(odd).mod(MODULUS);
          values[i + size / 2] = even.subtract(odd).mod(MODULUS);
        }
        factor = factor.multiply(step).mod(MODULUS);
      }
    }
    BigInteger inverse = BigInteger.valueOf(ELEMENTS).modInverse(MODULUS);
    for (int i = 0; i < ELEMENTS; i++) {
      values[i] = values[i].multiply(inverse).mod(MODULUS);
    }
    return values;
  }
}
