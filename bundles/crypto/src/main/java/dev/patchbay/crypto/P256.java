// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.crypto;

import java.math.BigInteger;
import org.bouncycastle.asn1.x9.X9ECParameters;
import org.bouncycastle.crypto.ec.CustomNamedCurves;
import org.bouncycastle.math.ec.ECAlgorithms;
import org.bouncycastle.math.ec.ECPoint;

/**
 * Signatures on the curve secp256r1 (NIST P-256), as EIP-7951 checks them.
 *
 * <p>Threading: stateless.
 */
public final class P256 {
  private static final X9ECParameters CURVE = CustomNamedCurves.getByName("secp256r1");
  private static final BigInteger N = CURVE.getN();
  private static final BigInteger P = CURVE.getCurve().getField().getCharacteristic();

  private P256() {}

  /**
   * Checks a signature.
   *
   * @param input 160 bytes: the digest, r, s, and the coordinates x and y of the public key
   * @return false also when a number is out of range or the key is not on the curve
   */
  public static boolean verify(byte[] input) {
    if (input.length != 160) {
      return false;
    }
    BigInteger digest = number(input, 0);
    BigInteger r = number(input, 1);
    BigInteger s = number(input, 2);
    BigInteger x = number(input, 3);
    BigInteger y = number(input, 4);
    if (!inGroup(r)
        || !inGroup(s)
        || x.compareTo(P) >= 0
        || y.compareTo(P) >= 0
        || (x.signum() == 0 && y.signum() == 0)) {
      return false;
    }
    ECPoint key;
    try {
      key = CURVE.getCurve().validatePoint(x, y);
    } catch (IllegalArgumentException notOnCurve) {
      return false;
    }
    BigInteger w = s.modInverse(N);
    ECPoint sum =
        ECAlgorithms.sumOfTwoMultiplies(
                CURVE.getG(), digest.multiply(w).mod(N), key, r.multiply(w).mod(N))
            .normalize();
    return !sum.isInfinity() && sum.getAffineXCoord().toBigInteger().mod(N).equals(r);
  }

  private static boolean inGroup(BigInteger value) {
    return value.signum() > 0 && value.compareTo(N) < 0;
  }

  private static BigInteger number(byte[] input, int index) {
    return new BigInteger(1, input, 32 * index, 32);
  }
}
