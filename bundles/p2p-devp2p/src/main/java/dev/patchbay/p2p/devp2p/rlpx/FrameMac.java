// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.p2p.devp2p.rlpx;

import javax.crypto.Cipher;

/**
 * The message authentication codes of one direction (devp2p, rlpx.md, "MAC"). Threading: one thread
 * at a time.
 */
final class FrameMac {
  static final int BYTES = 16;

  private final Cipher cipher;
  private final RunningHash state;

  /**
   * Creates the codes.
   *
   * @param key 32 bytes
   */
  FrameMac(byte[] key, RunningHash state) {
    this.cipher = Aes.block(key);
    this.state = state;
  }

  /** Returns the code of an encrypted header, 16 bytes. */
  byte[] header(byte[] input, int from) {
    return update(state.digest(), input, from);
  }

  /** Appends a part of an encrypted frame; {@link #frame()} follows the last one. */
  void append(byte[] input, int from, int length) {
    state.update(input, from, length);
  }

  /** Returns the code of the encrypted frame whose parts were appended, 16 bytes. */
  byte[] frame() {
    byte[] digest = state.digest();
    return update(digest, digest, 0);
  }

  /** Appends {@code AES(digest) XOR seed} to the hash; only 16 bytes of each are used. */
  private byte[] update(byte[] digest, byte[] seed, int from) {
    byte[] block = new byte[BYTES];
    Aes.apply(cipher, digest, 0, BYTES, block, 0);
    for (int i = 0; i < BYTES; i++) {
      block[i] ^= seed[from + i];
    }
    state.update(block, 0, BYTES);
    return java.util.Arrays.copyOf(state.digest(), BYTES);
  }
}
