// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.crypto;

import java.math.BigInteger;
import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/**
 * ECDSA over secp256k1 (SEC 2, section 2.4.1) with public key recovery (SEC 1, section 4.1.6), as
 * Ethereum uses it.
 *
 * <p>libsecp256k1 is used where its native library loads, Bouncy Castle otherwise; both give the
 * same results.
 *
 * <p>Threading: all methods may be called from any thread.
 */
public final class Secp256k1 {
  /** Order of the group. */
  public static final BigInteger N =
      new BigInteger("fffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141", 16);

  /** Half of the order, rounded down: the greatest {@code s} of a canonical signature (EIP-2). */
  public static final BigInteger HALF_N = N.shiftRight(1);

  /**
   * A recoverable signature.
   *
   * @param r 32 bytes, big-endian
   * @param s 32 bytes, big-endian, at most {@link #HALF_N}
   * @param yParity 0 or 1: parity of the y coordinate of the point R
   */
  public record Signature(byte[] r, byte[] s, int yParity) {}

  /** The operations that an implementation provides; all arguments have been checked. */
  interface Provider {
    String name();

    byte @Nullable [] recover(byte[] hash, byte[] r, byte[] s, int recoveryId);

    Signature sign(byte[] hash, byte[] privateKey);

    byte[] publicKey(byte[] privateKey);

    byte @Nullable [] multiply(byte[] publicKey, byte[] privateKey);

    byte @Nullable [] decompress(byte[] compressedKey);

    boolean verify(byte[] hash, byte[] signature, byte[] publicKey);
  }

  private static final Provider PROVIDER = choose();

  private Secp256k1() {}

  private static Provider choose() {
    try {
      return new NativeSecp256k1();
    } catch (
        Throwable unavailable) { // no native library for this platform, whatever form that takes
      return new BouncyCastleSecp256k1();
    }
  }

  /**
   * Returns the name of the implementation in use: {@code libsecp256k1} or {@code bouncycastle}.
   */
  public static String implementation() {
    return PROVIDER.name();
  }

  /**
   * Recovers the public key that made a signature.
   *
   * @param hash 32 bytes: the signed digest
   * @param r 32 bytes, big-endian
   * @param s 32 bytes, big-endian; values above {@link #HALF_N} are accepted
   * @param recoveryId 0 to 3
   * @return the uncompressed key without prefix (64 bytes: x, y), or null when no key matches
   * @throws IllegalArgumentException when an array is not of 32 bytes
   */
  public static byte @Nullable [] recover(byte[] hash, byte[] r, byte[] s, int recoveryId) {
    checkLength("hash", hash);
    checkLength("r", r);
    checkLength("s", s);
    if (recoveryId < 0 || recoveryId > 3 || !inGroup(r) || !inGroup(s)) {
      return null;
    }
    return PROVIDER.recover(hash, r, s, recoveryId);
  }

  /**
   * Signs a digest deterministically (RFC 6979) with {@code s} in the lower half.
   *
   * @param hash 32 bytes
   * @param privateKey 32 bytes, between 1 and N - 1
   * @throws IllegalArgumentException when the key is out of range
   */
  public static Signature sign(byte[] hash, byte[] privateKey) {
    checkLength("hash", hash);
    checkPrivateKey(privateKey);
    return PROVIDER.sign(hash, privateKey);
  }

  /**
   * Returns the uncompressed public key (64 bytes: x, y) of a private key.
   *
   * @throws IllegalArgumentException when the key is not between 1 and N - 1
   */
  public static byte[] publicKey(byte[] privateKey) {
    checkPrivateKey(privateKey);
    return PROVIDER.publicKey(privateKey);
  }

  /**
   * Multiplies a public key by a private key: the point that two nodes share (SEC 1, section
   * 3.3.1). Its first 32 bytes are the shared secret of ECIES.
   *
   * @param publicKey 64 bytes: x, y
   * @return 64 bytes: x, y; null when the public key is not a point of the curve
   * @throws IllegalArgumentException when the private key is not between 1 and N - 1
   */
  public static byte @Nullable [] multiply(byte[] publicKey, byte[] privateKey) {
    checkPublicKey(publicKey);
    checkPrivateKey(privateKey);
    return PROVIDER.multiply(publicKey, privateKey);
  }

  /**
   * Returns whether a public key is a point of the curve.
   *
   * @param publicKey 64 bytes: x, y
   */
  public static boolean isPoint(byte[] publicKey) {
    checkPublicKey(publicKey);
    return Arrays.equals(publicKey, PROVIDER.decompress(compress(publicKey)));
  }

  /**
   * Returns the compressed form of a public key, 33 bytes: 2 or 3, x (SEC 1, section 2.3.3).
   *
   * @param publicKey 64 bytes: x, y
   */
  public static byte[] compress(byte[] publicKey) {
    checkPublicKey(publicKey);
    byte[] out = new byte[33];
    out[0] = (byte) (2 + (publicKey[63] & 1));
    System.arraycopy(publicKey, 0, out, 1, 32);
    return out;
  }

  /**
   * Returns the public key with a compressed form, 64 bytes: x, y; null when there is none.
   *
   * @param compressedKey 33 bytes: 2 or 3, x
   */
  public static byte @Nullable [] decompress(byte[] compressedKey) {
    if (compressedKey.length != 33 || (compressedKey[0] & 0xfe) != 2) {
      return null;
    }
    return PROVIDER.decompress(compressedKey);
  }

  /**
   * Returns whether a key has signed a digest.
   *
   * @param hash 32 bytes: the signed digest
   * @param signature 64 bytes: r, s; an {@code s} above {@link #HALF_N} is not accepted
   * @param publicKey 64 bytes: x, y; a key that is not a point of the curve has signed nothing
   */
  public static boolean verify(byte[] hash, byte[] signature, byte[] publicKey) {
    checkLength("hash", hash);
    checkPublicKey(publicKey);
    if (signature.length != 64) {
      throw new IllegalArgumentException("signature must be 64 bytes, not " + signature.length);
    }
    byte[] s = Arrays.copyOfRange(signature, 32, 64);
    return inGroup(Arrays.copyOf(signature, 32))
        && inGroup(s)
        && new BigInteger(1, s).compareTo(HALF_N) <= 0
        && PROVIDER.verify(hash, signature, publicKey);
  }

  /** Returns the 20-byte address of an uncompressed public key (Yellow Paper, appendix F). */
  public static byte[] address(byte[] publicKey) {
    return Arrays.copyOfRange(Keccak.hash256(publicKey), 12, 32);
  }

  /**
   * Checks that a private key is 32 bytes between 1 and N - 1.
   *
   * @throws IllegalArgumentException when it is not; the message does not show the key
   */
  public static void checkPrivateKey(byte[] privateKey) {
    checkLength("private key", privateKey);
    if (!inGroup(privateKey)) {
      throw new IllegalArgumentException("private key must be between 1 and the group order");
    }
  }

  private static boolean inGroup(byte[] scalar) {
    BigInteger value = new BigInteger(1, scalar);
    return value.signum() > 0 && value.compareTo(N) < 0;
  }

  private static void checkPublicKey(byte[] publicKey) {
    if (publicKey.length != 64) {
      throw new IllegalArgumentException("public key must be 64 bytes, not " + publicKey.length);
    }
  }

  private static void checkLength(String name, byte[] bytes) {
    if (bytes.length != 32) {
      throw new IllegalArgumentException(name + " must be 32 bytes, not " + bytes.length);
    }
  }
}
