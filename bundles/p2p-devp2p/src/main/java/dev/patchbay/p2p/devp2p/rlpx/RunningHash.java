// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.p2p.devp2p.rlpx;

import org.bouncycastle.crypto.digests.KeccakDigest;

/**
 * A Keccak-256 hash over all bytes of one direction of a connection, which can be read at any time.
 * Threading: one thread at a time.
 */
interface RunningHash {
  /** Appends bytes. */
  void update(byte[] bytes, int from, int length);

  /** Returns the hash of all bytes so far, 32 bytes; more can be appended afterwards. */
  byte[] digest();

  /** Creates the hash of no bytes. */
  static RunningHash keccak256() {
    KeccakDigest state = new KeccakDigest(256);
    return new RunningHash() {
      @Override
      public void update(byte[] bytes, int from, int length) {
        state.update(bytes, from, length);
      }

      @Override
      public byte[] digest() {
        byte[] out = new byte[32];
        new KeccakDigest(state).doFinal(out, 0); // a copy: doFinal resets the state
        return out;
      }
    };
  }
}
