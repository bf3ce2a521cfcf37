// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.p2p.devp2p.discovery;

import dev.patchbay.crypto.Secp256k1;
import dev.patchbay.primitives.Bytes;
import dev.patchbay.primitives.Hash;
import java.nio.charset.StandardCharsets;
import java.security.GeneralSecurityException;
import java.security.MessageDigest;
import java.util.Arrays;
import javax.crypto.AEADBadTagException;
import javax.crypto.Cipher;
import javax.crypto.Mac;
import javax.crypto.spec.GCMParameterSpec;
import javax.crypto.spec.IvParameterSpec;
import javax.crypto.spec.SecretKeySpec;
import org.jspecify.annotations.Nullable;

/**
 * The cryptography of Node Discovery v5.1 (devp2p discv5-theory.md, "Sessions"). Threading: any
 * thread.
 */
final class V5Crypto {
  static final int KEY_BYTES = 16;
  static final int TAG_BYTES = 16;

  private static final byte[] ID_SIGNATURE_TEXT = ascii("discovery v5 identity proof");
  private static final byte[] KEY_AGREEMENT_TEXT = ascii("discovery v5 key agreement");

  private V5Crypto() {}

  /**
   * The keys of a session.
   *
   * @param initiator 16 bytes: encrypts what the initiator of the handshake sends
   * @param recipient 16 bytes: encrypts what the recipient sends
   */
  record SessionKeys(byte[] initiator, byte[] recipient) {
    /** Shows nothing: the keys are secret. */
    @Override
    public String toString() {
      return "SessionKeys";
    }
  }

  private static byte[] ascii(String text) {
    return text.getBytes(StandardCharsets.US_ASCII);
  }

  /**
   * Encrypts or decrypts a header: AES-128 in counter mode with the first half of the id of the
   * recipient as the key. This hides the protocol, it does not keep a secret.
   *
   * @param iv 16 bytes
   */
  static byte[] mask(Hash recipient, byte[] iv, byte[] data, int from, int to) {
    try {
      Cipher cipher = Cipher.getInstance("AES/CTR/NoPadding");
      SecretKeySpec key = new SecretKeySpec(recipient.unsafeArray(), 0, KEY_BYTES, "AES");
      cipher.init(Cipher.ENCRYPT_MODE, key, new IvParameterSpec(iv));
      return cipher.doFinal(data, from, to - from);
    } catch (GeneralSecurityException impossible) {
      throw new IllegalStateException("AES in counter mode is missing", impossible);
    }
  }

  /**
   * Encrypts a message with AES-128-GCM.
   *
   * @param nonce 12 bytes, used once for a key
   * @param associated what is authenticated with it
   */
  static byte[] encrypt(byte[] key, byte[] nonce, byte[] plain, byte[] associated) {
    try {
      return gcm(Cipher.ENCRYPT_MODE, key, nonce, plain, associated);
    } catch (GeneralSecurityException impossible) {
      throw new IllegalStateException("AES-GCM is missing", impossible);
    }
  }

  /** Decrypts a message with AES-128-GCM; null when it is not authentic. */
  static byte @Nullable [] decrypt(byte[] key, byte[] nonce, byte[] encrypted, byte[] associated) {
    if (encrypted.length < TAG_BYTES) {
      return null;
    }
    try {
      return gcm(Cipher.DECRYPT_MODE, key, nonce, encrypted, associated);
    } catch (AEADBadTagException forged) {
      return null;
    } catch (GeneralSecurityException impossible) {
      throw new IllegalStateException("AES-GCM is missing", impossible);
    }
  }

  private static byte[] gcm(int mode, byte[] key, byte[] nonce, byte[] input, byte[] associated)
      throws GeneralSecurityException {
    Cipher cipher = Cipher.getInstance("AES/GCM/NoPadding");
    cipher.init(mode, new SecretKeySpec(key, "AES"), new GCMParameterSpec(8 * TAG_BYTES, nonce));
    cipher.updateAAD(associated);
    return cipher.doFinal(input);
  }

  /**
   * Returns the secret that two keys share: the compressed point, 33 bytes; null when the public
   * key is not a point of the curve.
   */
  static byte @Nullable [] sharedSecret(byte[] publicKey, byte[] privateKey) {
    byte[] point = Secp256k1.multiply(publicKey, privateKey);
    return point == null ? null : Secp256k1.compress(point);
  }

  /**
   * Derives the keys of a session (HKDF with SHA-256, RFC 5869).
   *
   * @param sharedSecret of the ephemeral key and the static key of the recipient
   * @param initiator id of the node that sends the handshake
   * @param challengeData {@link V5Codec.Received#headerData} of the WHOAREYOU packet
   */
  static SessionKeys deriveKeys(
      byte[] sharedSecret, Hash initiator, Hash recipient, byte[] challengeData) {
    byte[] extracted = hmac(challengeData, sharedSecret);
    byte[] block =
        hmac(
            extracted,
            KEY_AGREEMENT_TEXT,
            initiator.unsafeArray(),
            recipient.unsafeArray(),
            new byte[] {1});
    return new SessionKeys(
        Arrays.copyOf(block, KEY_BYTES), Arrays.copyOfRange(block, KEY_BYTES, 2 * KEY_BYTES));
  }

  private static byte[] hmac(byte[] key, byte[]... parts) {
    try {
      Mac mac = Mac.getInstance("HmacSHA256");
      mac.init(new SecretKeySpec(key, "HmacSHA256"));
      for (byte[] part : parts) {
        mac.update(part);
      }
      return mac.doFinal();
    } catch (GeneralSecurityException impossible) {
      throw new IllegalStateException("HmacSHA256 is missing", impossible);
    }
  }

  /**
   * Signs a challenge: proves that the initiator has its static key.
   *
   * @param ephemeralKey compressed, 33 bytes
   * @param recipient id of the node that sent the challenge
   * @return 64 bytes: r, s
   */
  static byte[] signId(
      byte[] challengeData, byte[] ephemeralKey, Hash recipient, byte[] privateKey) {
    Secp256k1.Signature signature =
        Secp256k1.sign(idHash(challengeData, ephemeralKey, recipient), privateKey);
    byte[] out = Arrays.copyOf(signature.r(), 64);
    System.arraycopy(signature.s(), 0, out, 32, 32);
    return out;
  }

  /** Returns whether a node has signed a challenge; parameters as of {@link #signId}. */
  static boolean verifyId(
      byte[] signature, byte[] challengeData, byte[] ephemeralKey, Hash recipient, Bytes key) {
    byte[] hash = idHash(challengeData, ephemeralKey, recipient);
    return Secp256k1.verify(hash, signature, key.unsafeArray());
  }

  private static byte[] idHash(byte[] challengeData, byte[] ephemeralKey, Hash recipient) {
    try {
      MessageDigest digest = MessageDigest.getInstance("SHA-256");
      digest.update(ID_SIGNATURE_TEXT);
      digest.update(challengeData);
      digest.update(ephemeralKey);
      return digest.digest(recipient.unsafeArray());
    } catch (GeneralSecurityException impossible) {
      throw new IllegalStateException("SHA-256 is missing", impossible);
    }
  }
}
