// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.p2p.devp2p.rlpx;

import java.security.GeneralSecurityException;
import javax.crypto.Cipher;
import javax.crypto.spec.IvParameterSpec;
import javax.crypto.spec.SecretKeySpec;

/** AES of the JDK, which uses the instructions of the processor. */
final class Aes {
  static final int BLOCK_BYTES = 16;

  private Aes() {}

  /**
   * Creates a key stream (CTR mode), the same for encryption and decryption.
   *
   * @param key 16 or 32 bytes
   * @param iv 16 bytes
   */
  static Cipher stream(byte[] key, byte[] iv) {
    try {
      Cipher cipher = Cipher.getInstance("AES/CTR/NoPadding");
      cipher.init(Cipher.ENCRYPT_MODE, new SecretKeySpec(key, "AES"), new IvParameterSpec(iv));
      return cipher;
    } catch (GeneralSecurityException missing) {
      throw new IllegalStateException("the JDK has no AES in CTR mode", missing);
    }
  }

  /**
   * Creates a cipher of single blocks (ECB mode).
   *
   * @param key 16 or 32 bytes
   */
  static Cipher block(byte[] key) {
    try {
      Cipher cipher = Cipher.getInstance("AES/ECB/NoPadding");
      cipher.init(Cipher.ENCRYPT_MODE, new SecretKeySpec(key, "AES"));
      return cipher;
    } catch (GeneralSecurityException missing) {
      throw new IllegalStateException("the JDK has no AES in ECB mode", missing);
    }
  }

  /** Applies a cipher to a range of an array; the output may be the input. */
  static void apply(Cipher cipher, byte[] in, int from, int length, byte[] out, int at) {
    try {
      int written = cipher.update(in, from, length, out, at);
      if (written != length) {
        throw new IllegalStateException("AES has kept back " + (length - written) + " bytes");
      }
    } catch (GeneralSecurityException impossible) {
      throw new IllegalStateException("AES has failed", impossible);
    }
  }
}
