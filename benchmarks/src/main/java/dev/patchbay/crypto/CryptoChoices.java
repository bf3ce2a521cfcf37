// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.crypto;

import java.math.BigInteger;
import java.security.GeneralSecurityException;
import java.security.KeyPair;
import java.security.KeyPairGenerator;
import java.security.Signature;
import java.security.interfaces.ECPublicKey;
import java.security.spec.ECGenParameterSpec;
import java.util.Arrays;
import java.util.List;
import org.bouncycastle.asn1.ASN1Integer;
import org.bouncycastle.asn1.ASN1Sequence;
import org.bouncycastle.crypto.digests.KeccakDigest;
import org.bouncycastle.crypto.digests.SHA256Digest;

/** Functions that there are two of, native or not. */
public final class CryptoChoices {
  /** One function twice: as the node uses it, and the other. */
  public record Choice(
      String name, String usedName, Runnable used, String otherName, Runnable other) {}

  private CryptoChoices() {}

  /** Returns all pairs. */
  public static List<Choice> all() throws GeneralSecurityException {
    Secp256k1.Provider library = new NativeSecp256k1();
    Secp256k1.Provider java = new BouncyCastleSecp256k1();
    byte[] key = new byte[32];
    Arrays.fill(key, (byte) 7);
    byte[] hash = Keccak.hash256(key);
    Secp256k1.Signature signature = library.sign(hash, key);
    byte[] kilobyte = new byte[1024];
    KeccakDigest keccak = new KeccakDigest(256);
    SHA256Digest sha256 = new SHA256Digest();
    byte[] out = new byte[32];
    return List.of(
        new Choice(
            "secp256k1 recover",
            "libsecp256k1",
            () -> library.recover(hash, signature.r(), signature.s(), signature.yParity()),
            "Bouncy Castle",
            () -> java.recover(hash, signature.r(), signature.s(), signature.yParity())),
        new Choice(
            "secp256k1 sign",
            "libsecp256k1",
            () -> library.sign(hash, key),
            "Bouncy Castle",
            () -> java.sign(hash, key)),
        new Choice(
            "keccak256, 1 kB",
            "Java, ours",
            () -> Keccak.hash256(kilobyte),
            "Bouncy Castle",
            () -> {
              keccak.update(kilobyte, 0, kilobyte.length);
              keccak.doFinal(out, 0);
            }),
        new Choice(
            "sha256, 1 kB",
            "JDK",
            () -> Digests.sha256(kilobyte, 0, kilobyte.length),
            "Bouncy Castle",
            () -> {
              sha256.update(kilobyte, 0, kilobyte.length);
              sha256.doFinal(out, 0);
            }),
        p256(hash));
  }

  private static Choice p256(byte[] hash) throws GeneralSecurityException {
    KeyPairGenerator generator = KeyPairGenerator.getInstance("EC");
    generator.initialize(new ECGenParameterSpec("secp256r1"));
    KeyPair pair = generator.generateKeyPair();
    Signature signer = Signature.getInstance("NONEwithECDSA");
    signer.initSign(pair.getPrivate());
    signer.update(hash);
    byte[] der = signer.sign();
    ASN1Sequence parts = ASN1Sequence.getInstance(der);
    ECPublicKey point = (ECPublicKey) pair.getPublic();
    byte[] input = new byte[160];
    System.arraycopy(hash, 0, input, 0, 32);
    put(ASN1Integer.getInstance(parts.getObjectAt(0)).getValue(), input, 32);
    put(ASN1Integer.getInstance(parts.getObjectAt(1)).getValue(), input, 64);
    put(point.getW().getAffineX(), input, 96);
    put(point.getW().getAffineY(), input, 128);
    if (!P256.verify(input)) {
      throw new IllegalStateException("the implementations disagree on a signature");
    }
    return new Choice(
        "P-256 verify",
        "Bouncy Castle",
        () -> P256.verify(input),
        "JDK",
        () -> {
          try {
            Signature verifier = Signature.getInstance("NONEwithECDSA");
            verifier.initVerify(pair.getPublic());
            verifier.update(hash);
            verifier.verify(der);
          } catch (GeneralSecurityException impossible) {
            throw new IllegalStateException(impossible);
          }
        });
  }

  private static void put(BigInteger value, byte[] out, int at) {
    byte[] bytes = value.toByteArray();
    int length = Math.min(bytes.length, 32);
    System.arraycopy(bytes, bytes.length - length, out, at + 32 - length, length);
  }
}
