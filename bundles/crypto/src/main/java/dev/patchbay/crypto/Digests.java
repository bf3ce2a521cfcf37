// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.crypto;

import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import org.bouncycastle.crypto.digests.RIPEMD160Digest;

/** SHA-256 (FIPS 180-4) and RIPEMD-160. Threading: stateless. */
public final class Digests {
  private Digests() {}

  /** Returns the 32-byte SHA-256 digest of a range. */
  public static byte[] sha256(byte[] input, int offset, int length) {
    try {
      MessageDigest digest = MessageDigest.getInstance("SHA-256");
      digest.update(input, offset, length);
      return digest.digest();
    } catch (NoSuchAlgorithmException absent) {
      throw new IllegalStateException("every Java platform has SHA-256", absent);
    }
  }

  /** Returns the 20-byte RIPEMD-160 digest of a range. */
  public static byte[] ripemd160(byte[] input, int offset, int length) {
    RIPEMD160Digest digest = new RIPEMD160Digest();
    digest.update(input, offset, length);
    byte[] out = new byte[20];
    digest.doFinal(out, 0);
    return out;
  }
}
