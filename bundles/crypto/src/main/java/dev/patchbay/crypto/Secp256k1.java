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

  private static void checkLength(String name, byte[] bytes) {
    if (bytes.length != 32) {
      throw new IllegalArgumentException(name + " must be 32 bytes, not " + bytes.length);
    }
  }
}
