// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.p2p.eth;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.function.LongSupplier;

/**
 * SipHash-2-4 (Aumasson and Bernstein, 2012): a hash whose collisions need the key.
 *
 * @param k0 first half of the key, little-endian
 * @param k1 second half of the key, little-endian
 */
record SipHash(long k0, long k1) {
  /** Creates one with a key of two random numbers. */
  static SipHash random(LongSupplier random) {
    return new SipHash(random.getAsLong(), random.getAsLong());
  }

  /** Returns the hash of some bytes. */
  long hash(byte[] input) {
    ByteBuffer words = ByteBuffer.wrap(input).order(ByteOrder.LITTLE_ENDIAN);
    State state = new State(k0, k1);
    while (words.remaining() >= Long.BYTES) {
      state.absorb(words.getLong());
    }
    long last = (long) input.length << 56;
    for (int shift = 0; words.hasRemaining(); shift += 8) {
      last |= (words.get() & 0xffL) << shift;
    }
    state.absorb(last);
    return state.finish();
  }

  private static final class State {
    private long v0;
    private long v1;
    private long v2;
    private long v3;

    State(long k0, long k1) {
      v0 = k0 ^ 0x736f6d6570736575L;
      v1 = k1 ^ 0x646f72616e646f6dL;
      v2 = k0 ^ 0x6c7967656e657261L;
      v3 = k1 ^ 0x7465646279746573L;
    }

    void absorb(long word) {
      v3 ^= word;
      rounds(2);
      v0 ^= word;
    }

    long finish() {
      v2 ^= 0xff;
      rounds(4);
      return v0 ^ v1 ^ v2 ^ v3;
    }

    private void rounds(int count) {
      for (int i = 0; i < count; i++) {
        v0 += v1;
        v1 = Long.rotateLeft(v1, 13) ^ v0;
        v0 = Long.rotateLeft(v0, 32);
        v2 += v3;
        v3 = Long.rotateLeft(v3, 16) ^ v2;
        v0 += v3;
        v3 = Long.rotateLeft(v3, 21) ^ v0;
        v2 += v1;
        v1 = Long.rotateLeft(v1, 17) ^ v2;
        v2 = Long.rotateLeft(v2, 32);
      }
    }
  }
}
