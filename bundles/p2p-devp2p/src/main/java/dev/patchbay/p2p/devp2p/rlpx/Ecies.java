// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.p2p.devp2p.rlpx;

import dev.patchbay.crypto.Secp256k1;
import java.security.GeneralSecurityException;
import java.security.MessageDigest;
import java.util.Arrays;
import javax.crypto.Cipher;
import javax.crypto.Mac;
import javax.crypto.spec.SecretKeySpec;
import org.jspecify.annotations.Nullable;

/**
 * Encryption to a public key, as the RLPx handshake uses it (devp2p, rlpx.md, "ECIES Encryption"):
 * {@code 0x04 || R || iv || c || d} with an ephemeral public key R of 64 bytes, an AES-128-CTR text
 * c, and an HMAC-SHA256 d of 32 bytes over iv, c and data that both sides know.
 *
 * <p>Threading: any thread.
 */
final class Ecies {
  /** Number of bytes by which a cipher text is longer than its message. */
  static final int OVERHEAD_BYTES = 1 + NodeId.BYTES + Aes.BLOCK_BYTES + 32;

  private static final int IV_AT = 1 + NodeId.BYTES;
  private static final int TEXT_AT = IV_AT + Aes.BLOCK_BYTES;
  private static final int TAG_BYTES = 32;
  private static final int SECRET_BYTES = 32;
  private static final int UNCOMPRESSED = 4;

  private Ecies() {}

  /** The keys of one message. */
  private record Keys(byte[] encryption, byte[] authentication) {
    /**
     * Derives both from a point (NIST SP 800-56, one round).
     *
     * @param sharedPoint 64 bytes: x, y; x is used with its leading zeros
     */
    static Keys of(byte[] sharedPoint) {
      MessageDigest sha = sha256();
      sha.update(new byte[] {0, 0, 0, 1});
      sha.update(sharedPoint, 0, SECRET_BYTES);
      byte[] derived = sha.digest();
      return new Keys(
          Arrays.copyOf(derived, 16), sha256().digest(Arrays.copyOfRange(derived, 16, 32)));
    }
  }

  /**
   * Encrypts.
   *
   * @param recipient the public key of the reader
   * @param sharedData data that both sides know, which is authenticated
   * @param ephemeral a private key for this message only, 32 bytes
   * @param iv 16 random bytes
   */
  static byte[] encrypt(
      NodeId recipient, byte[] message, byte[] sharedData, byte[] ephemeral, byte[] iv) {
    byte[] shared = Secp256k1.multiply(recipient.key().unsafeArray(), ephemeral);
    if (shared == null) {
      throw new IllegalStateException("a node id is a point of the curve");
    }
    Keys keys = Keys.of(shared);
    byte[] out = new byte[message.length + OVERHEAD_BYTES];
    out[0] = UNCOMPRESSED;
    System.arraycopy(Secp256k1.publicKey(ephemeral), 0, out, 1, NodeId.BYTES);
    System.arraycopy(iv, 0, out, IV_AT, Aes.BLOCK_BYTES);
    Cipher cipher = Aes.stream(keys.encryption(), iv);
    Aes.apply(cipher, message, 0, message.length, out, TEXT_AT);
    byte[] tag = tag(keys, out, sharedData);
    System.arraycopy(tag, 0, out, out.length - TAG_BYTES, TAG_BYTES);
    return out;
  }

  /**
   * Decrypts. The length, the form, the point and the tag are checked before the text is decrypted:
   * a point that is not on the curve would leak bits of the private key (CVE-2026-26315), and a
   * short input would be read past its end (CVE-2026-22862).
   *
   * @param secret the private key of the reader, 32 bytes
   * @return the message; null when the input is invalid, for whatever reason
   */
  static byte @Nullable [] decrypt(byte[] secret, byte[] input, byte[] sharedData) {
    if (input.length < OVERHEAD_BYTES || input[0] != UNCOMPRESSED) {
      return null;
    }
    byte[] point = Arrays.copyOfRange(input, 1, IV_AT);
    byte[] shared = Secp256k1.isPoint(point) ? Secp256k1.multiply(point, secret) : null;
    if (shared == null) {
      return null;
    }
    Keys keys = Keys.of(shared);
    byte[] tag = Arrays.copyOfRange(input, input.length - TAG_BYTES, input.length);
    if (!MessageDigest.isEqual(tag, tag(keys, input, sharedData))) {
      return null;
    }
    byte[] message = new byte[input.length - OVERHEAD_BYTES];
    Cipher cipher = Aes.stream(keys.encryption(), Arrays.copyOfRange(input, IV_AT, TEXT_AT));
    Aes.apply(cipher, input, TEXT_AT, message.length, message, 0);
    return message;
  }

  private static byte[] tag(Keys keys, byte[] packet, byte[] sharedData) {
    try {
      Mac mac = Mac.getInstance("HmacSHA256");
      mac.init(new SecretKeySpec(keys.authentication(), "HmacSHA256"));
      mac.update(packet, IV_AT, packet.length - IV_AT - TAG_BYTES);
      return mac.doFinal(sharedData);
    } catch (GeneralSecurityException missing) {
      throw new IllegalStateException("the JDK has no HMAC-SHA256", missing);
    }
  }

  private static MessageDigest sha256() {
    try {
      return MessageDigest.getInstance("SHA-256");
    } catch (GeneralSecurityException missing) {
      throw new IllegalStateException("the JDK has no SHA-256", missing);
    }
  }
}
