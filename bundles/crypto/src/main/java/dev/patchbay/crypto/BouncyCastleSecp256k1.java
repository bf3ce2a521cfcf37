// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.crypto;

import java.math.BigInteger;
import java.util.Arrays;
import org.bouncycastle.asn1.x9.X9ECParameters;
import org.bouncycastle.crypto.digests.SHA256Digest;
import org.bouncycastle.crypto.ec.CustomNamedCurves;
import org.bouncycastle.crypto.params.ECDomainParameters;
import org.bouncycastle.crypto.params.ECPrivateKeyParameters;
import org.bouncycastle.crypto.params.ECPublicKeyParameters;
import org.bouncycastle.crypto.signers.ECDSASigner;
import org.bouncycastle.crypto.signers.HMacDSAKCalculator;
import org.bouncycastle.math.ec.ECAlgorithms;
import org.bouncycastle.math.ec.ECPoint;
import org.bouncycastle.math.ec.FixedPointCombMultiplier;
import org.jspecify.annotations.Nullable;

/** secp256k1 in pure Java, for platforms without the native library. */
final class BouncyCastleSecp256k1 implements Secp256k1.Provider {
  private final ECDomainParameters curve;

  BouncyCastleSecp256k1() {
    X9ECParameters parameters = CustomNamedCurves.getByName("secp256k1");
    curve =
        new ECDomainParameters(
            parameters.getCurve(), parameters.getG(), parameters.getN(), parameters.getH());
  }

  @Override
  public String name() {
    return "bouncycastle";
  }

  @Override
  public byte @Nullable [] recover(byte[] hash, byte[] r, byte[] s, int recoveryId) {
    BigInteger order = curve.getN();
    BigInteger rValue = new BigInteger(1, r);
    BigInteger x = (recoveryId & 2) == 0 ? rValue : rValue.add(order);
    if (x.compareTo(curve.getCurve().getField().getCharacteristic()) >= 0) {
      return null;
    }
    byte[] encoded = new byte[33];
    encoded[0] = (byte) (2 + (recoveryId & 1));
    byte[] xBytes = fixed(x);
    System.arraycopy(xBytes, 0, encoded, 1, 32);
    ECPoint point;
    try {
      point = curve.getCurve().decodePoint(encoded);
    } catch (IllegalArgumentException notOnCurve) {
      return null;
    }
    BigInteger inverse = rValue.modInverse(order);
    BigInteger u1 = new BigInteger(1, hash).negate().multiply(inverse).mod(order);
    BigInteger u2 = new BigInteger(1, s).multiply(inverse).mod(order);
    ECPoint key = ECAlgorithms.sumOfTwoMultiplies(curve.getG(), u1, point, u2).normalize();
    return key.isInfinity() ? null : encode(key);
  }

  @Override
  public Secp256k1.Signature sign(byte[] hash, byte[] privateKey) {
    ECDSASigner signer = new ECDSASigner(new HMacDSAKCalculator(new SHA256Digest()));
    signer.init(true, new ECPrivateKeyParameters(new BigInteger(1, privateKey), curve));
    BigInteger[] signature = signer.generateSignature(hash);
    BigInteger low =
        signature[1].compareTo(Secp256k1.HALF_N) > 0
            ? curve.getN().subtract(signature[1])
            : signature[1];
    byte[] r = fixed(signature[0]);
    byte[] s = fixed(low);
    byte[] expected = publicKey(privateKey);
    for (int parity = 0; parity < 2; parity++) {
      if (Arrays.equals(expected, recover(hash, r, s, parity))) {
        return new Secp256k1.Signature(r, s, parity);
      }
    }
    throw new IllegalStateException("no recovery id fits the signature");
  }

  @Override
  public byte[] publicKey(byte[] privateKey) {
    BigInteger secret = new BigInteger(1, privateKey);
    return encode(new FixedPointCombMultiplier().multiply(curve.getG(), secret).normalize());
  }

  @Override
  public byte @Nullable [] multiply(byte[] publicKey, byte[] privateKey) {
    ECPoint point = decode(publicKey);
    return point == null ? null : encode(point.multiply(new BigInteger(1, privateKey)).normalize());
  }

  @Override
  public byte @Nullable [] decompress(byte[] compressedKey) {
    ECPoint point = decodeOrNull(compressedKey);
    return point == null ? null : encode(point);
  }

  @Override
  public boolean verify(byte[] hash, byte[] signature, byte[] publicKey) {
    ECPoint point = decode(publicKey);
    if (point == null) {
      return false;
    }
    ECDSASigner verifier = new ECDSASigner();
    verifier.init(false, new ECPublicKeyParameters(point, curve));
    BigInteger r = new BigInteger(1, Arrays.copyOf(signature, 32));
    BigInteger s = new BigInteger(1, Arrays.copyOfRange(signature, 32, 64));
    return verifier.verifySignature(hash, r, s);
  }

  private @Nullable ECPoint decode(byte[] publicKey) {
    byte[] encoded = new byte[65];
    encoded[0] = 4;
    System.arraycopy(publicKey, 0, encoded, 1, 64);
    return decodeOrNull(encoded);
  }

  /** The group has a prime order: every point of the curve but infinity is of that order. */
  private @Nullable ECPoint decodeOrNull(byte[] encoded) {
    try {
      return curve.getCurve().decodePoint(encoded);
    } catch (IllegalArgumentException notOnCurve) {
      return null;
    }
  }

  private static byte[] encode(ECPoint point) {
    return Arrays.copyOfRange(point.getEncoded(false), 1, 65);
  }

  private static byte[] fixed(BigInteger value) {
    byte[] bytes = value.toByteArray();
    byte[] out = new byte[32];
    int length = Math.min(32, bytes.length);
    System.arraycopy(bytes, bytes.length - length, out, 32 - length, length);
    return out;
  }
}
