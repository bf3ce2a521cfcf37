// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.crypto;

import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.nio.ByteOrder;

/**
 * Keccak-256 and Keccak-512 with the original padding byte 0x01, as Ethereum uses them (Yellow
 * Paper, section 3 and appendix J; not SHA-3 of FIPS 202).
 *
 * <p>Threading: stateless; all methods may be called from any thread.
 */
public final class Keccak {
  /** Length of a digest of Keccak-256, in bytes. */
  public static final int DIGEST_BYTES = 32;

  /**
   * Number of 64-bit lanes of scratch space that {@link #hash256(byte[], int, int, long[], int,
   * long[])} needs.
   */
  public static final int LANES = 25;

  private static final int RATE_256 = 136;
  private static final int RATE_512 = 72;
  private static final VarHandle LITTLE_ENDIAN =
      MethodHandles.byteArrayViewVarHandle(long[].class, ByteOrder.LITTLE_ENDIAN);
  private static final long[] ROUND = {
    0x0000000000000001L,
    0x0000000000008082L,
    0x800000000000808aL,
    0x8000000080008000L,
    0x000000000000808bL,
    0x0000000080000001L,
    0x8000000080008081L,
    0x8000000000008009L,
    0x000000000000008aL,
    0x0000000000000088L,
    0x0000000080008009L,
    0x000000008000000aL,
    0x000000008000808bL,
    0x800000000000008bL,
    0x8000000000008089L,
    0x8000000000008003L,
    0x8000000000008002L,
    0x8000000000000080L,
    0x000000000000800aL,
    0x800000008000000aL,
    0x8000000080008081L,
    0x8000000000008080L,
    0x0000000080000001L,
    0x8000000080008008L
  };

  private Keccak() {}

  /** Returns the 32-byte digest of {@code input}. */
  public static byte[] hash256(byte[] input) {
    return hash256(input, 0, input.length);
  }

  /**
   * Returns the 32-byte digest of {@code length} bytes of {@code input} from {@code offset}.
   *
   * @throws IndexOutOfBoundsException when the range is outside of the array
   */
  public static byte[] hash256(byte[] input, int offset, int length) {
    long[] lanes = new long[LANES];
    absorb(input, offset, length, lanes, RATE_256);
    byte[] digest = new byte[DIGEST_BYTES];
    for (int i = 0; i < 4; i++) LITTLE_ENDIAN.set(digest, i * 8, lanes[i]);
    return digest;
  }

  /**
   * Hashes a byte range into four little-endian limbs at {@code out[at..at+3]} without allocating:
   * limb 0 is the least significant 64 bits of the digest read as a big-endian number.
   *
   * @param lanes scratch space of {@link #LANES} longs; its content is overwritten
   */
  public static void hash256(
      byte[] input, int offset, int length, long[] out, int at, long[] lanes) {
    for (int i = 0; i < LANES; i++) lanes[i] = 0;
    absorb(input, offset, length, lanes, RATE_256);
    out[at + 3] = Long.reverseBytes(lanes[0]);
    out[at + 2] = Long.reverseBytes(lanes[1]);
    out[at + 1] = Long.reverseBytes(lanes[2]);
    out[at] = Long.reverseBytes(lanes[3]);
  }

  /** Returns the 64-byte digest of {@code input} by Keccak-512. */
  public static byte[] hash512(byte[] input) {
    long[] lanes = new long[LANES];
    absorb(input, 0, input.length, lanes, RATE_512);
    byte[] digest = new byte[2 * DIGEST_BYTES];
    for (int i = 0; i < 8; i++) LITTLE_ENDIAN.set(digest, i * 8, lanes[i]);
    return digest;
  }

  private static void absorb(byte[] input, int offset, int length, long[] lanes, int rate) {
    java.util.Objects.checkFromIndexSize(offset, length, input.length);
    int at = offset;
    int left = length;
    while (left >= rate) {
      for (int i = 0; i < rate / 8; i++) lanes[i] ^= (long) LITTLE_ENDIAN.get(input, at + i * 8);
      permute(lanes);
      at += rate;
      left -= rate;
    }
    int i = 0;
    for (; i + 8 <= left; i += 8) lanes[i >> 3] ^= (long) LITTLE_ENDIAN.get(input, at + i);
    long last = 0;
    for (int j = left - 1; j >= i; j--) last = (last << 8) | (input[at + j] & 0xff);
    lanes[i >> 3] ^= last ^ (1L << ((left & 7) << 3));
    lanes[rate / 8 - 1] ^= Long.MIN_VALUE;
    permute(lanes);
  }

  /**
   * Keccak-f[1600], two rounds an iteration: more rounds spill registers and run at half the speed.
   */
  private static void permute(long[] lanes) {
    long a0 = lanes[0],
        a1 = lanes[1],
        a2 = lanes[2],
        a3 = lanes[3],
        a4 = lanes[4],
        a5 = lanes[5],
        a6 = lanes[6],
        a7 = lanes[7],
        a8 = lanes[8],
        a9 = lanes[9],
        a10 = lanes[10],
        a11 = lanes[11],
        a12 = lanes[12],
        a13 = lanes[13],
        a14 = lanes[14],
        a15 = lanes[15],
        a16 = lanes[16],
        a17 = lanes[17],
        a18 = lanes[18],
        a19 = lanes[19],
        a20 = lanes[20],
        a21 = lanes[21],
        a22 = lanes[22],
        a23 = lanes[23],
        a24 = lanes[24];
    long b0,
        b1,
        b2,
        b3,
        b4,
        b5,
        b6,
        b7,
        b8,
        b9,
        b10,
        b11,
        b12,
        b13,
        b14,
        b15,
        b16,
        b17,
        b18,
        b19,
        b20,
        b21,
        b22,
        b23,
        b24;
    long c0, c1, c2, c3, c4, d0, d1, d2, d3, d4, e0, e1, e2, e3, e4;
    for (int round = 0; round < 24; round += 2) {
      c0 = a0 ^ a5 ^ a10 ^ a15 ^ a20;
      c1 = a1 ^ a6 ^ a11 ^ a16 ^ a21;
      c2 = a2 ^ a7 ^ a12 ^ a17 ^ a22;
      c3 = a3 ^ a8 ^ a13 ^ a18 ^ a23;
      c4 = a4 ^ a9 ^ a14 ^ a19 ^ a24;
      d0 = c4 ^ Long.rotateLeft(c1, 1);
      d1 = c0 ^ Long.rotateLeft(c2, 1);
      d2 = c1 ^ Long.rotateLeft(c3, 1);
      d3 = c2 ^ Long.rotateLeft(c4, 1);
      d4 = c3 ^ Long.rotateLeft(c0, 1);
      e0 = a0 ^ d0;
      e1 = Long.rotateLeft(a6 ^ d1, 44);
      e2 = Long.rotateLeft(a12 ^ d2, 43);
      e3 = Long.rotateLeft(a18 ^ d3, 21);
      e4 = Long.rotateLeft(a24 ^ d4, 14);
      b0 = e0 ^ (~e1 & e2) ^ ROUND[round];
      b1 = e1 ^ (~e2 & e3);
      b2 = e2 ^ (~e3 & e4);
      b3 = e3 ^ (~e4 & e0);
      b4 = e4 ^ (~e0 & e1);
      e0 = Long.rotateLeft(a3 ^ d3, 28);
      e1 = Long.rotateLeft(a9 ^ d4, 20);
      e2 = Long.rotateLeft(a10 ^ d0, 3);
      e3 = Long.rotateLeft(a16 ^ d1, 45);
      e4 = Long.rotateLeft(a22 ^ d2, 61);
      b5 = e0 ^ (~e1 & e2);
      b6 = e1 ^ (~e2 & e3);
      b7 = e2 ^ (~e3 & e4);
      b8 = e3 ^ (~e4 & e0);
      b9 = e4 ^ (~e0 & e1);
      e0 = Long.rotateLeft(a1 ^ d1, 1);
      e1 = Long.rotateLeft(a7 ^ d2, 6);
      e2 = Long.rotateLeft(a13 ^ d3, 25);
      e3 = Long.rotateLeft(a19 ^ d4, 8);
      e4 = Long.rotateLeft(a20 ^ d0, 18);
      b10 = e0 ^ (~e1 & e2);
      b11 = e1 ^ (~e2 & e3);
      b12 = e2 ^ (~e3 & e4);
      b13 = e3 ^ (~e4 & e0);
      b14 = e4 ^ (~e0 & e1);
      e0 = Long.rotateLeft(a4 ^ d4, 27);
      e1 = Long.rotateLeft(a5 ^ d0, 36);
      e2 = Long.rotateLeft(a11 ^ d1, 10);
      e3 = Long.rotateLeft(a17 ^ d2, 15);
      e4 = Long.rotateLeft(a23 ^ d3, 56);
      b15 = e0 ^ (~e1 & e2);
      b16 = e1 ^ (~e2 & e3);
      b17 = e2 ^ (~e3 & e4);
      b18 = e3 ^ (~e4 & e0);
      b19 = e4 ^ (~e0 & e1);
      e0 = Long.rotateLeft(a2 ^ d2, 62);
      e1 = Long.rotateLeft(a8 ^ d3, 55);
      e2 = Long.rotateLeft(a14 ^ d4, 39);
      e3 = Long.rotateLeft(a15 ^ d0, 41);
      e4 = Long.rotateLeft(a21 ^ d1, 2);
      b20 = e0 ^ (~e1 & e2);
      b21 = e1 ^ (~e2 & e3);
      b22 = e2 ^ (~e3 & e4);
      b23 = e3 ^ (~e4 & e0);
      b24 = e4 ^ (~e0 & e1);
      c0 = b0 ^ b5 ^ b10 ^ b15 ^ b20;
      c1 = b1 ^ b6 ^ b11 ^ b16 ^ b21;
      c2 = b2 ^ b7 ^ b12 ^ b17 ^ b22;
      c3 = b3 ^ b8 ^ b13 ^ b18 ^ b23;
      c4 = b4 ^ b9 ^ b14 ^ b19 ^ b24;
      d0 = c4 ^ Long.rotateLeft(c1, 1);
      d1 = c0 ^ Long.rotateLeft(c2, 1);
      d2 = c1 ^ Long.rotateLeft(c3, 1);
      d3 = c2 ^ Long.rotateLeft(c4, 1);
      d4 = c3 ^ Long.rotateLeft(c0, 1);
      e0 = b0 ^ d0;
      e1 = Long.rotateLeft(b6 ^ d1, 44);
      e2 = Long.rotateLeft(b12 ^ d2, 43);
      e3 = Long.rotateLeft(b18 ^ d3, 21);
      e4 = Long.rotateLeft(b24 ^ d4, 14);
      a0 = e0 ^ (~e1 & e2) ^ ROUND[round + 1];
      a1 = e1 ^ (~e2 & e3);
      a2 = e2 ^ (~e3 & e4);
      a3 = e3 ^ (~e4 & e0);
      a4 = e4 ^ (~e0 & e1);
      e0 = Long.rotateLeft(b3 ^ d3, 28);
      e1 = Long.rotateLeft(b9 ^ d4, 20);
      e2 = Long.rotateLeft(b10 ^ d0, 3);
      e3 = Long.rotateLeft(b16 ^ d1, 45);
      e4 = Long.rotateLeft(b22 ^ d2, 61);
      a5 = e0 ^ (~e1 & e2);
      a6 = e1 ^ (~e2 & e3);
      a7 = e2 ^ (~e3 & e4);
      a8 = e3 ^ (~e4 & e0);
      a9 = e4 ^ (~e0 & e1);
      e0 = Long.rotateLeft(b1 ^ d1, 1);
      e1 = Long.rotateLeft(b7 ^ d2, 6);
      e2 = Long.rotateLeft(b13 ^ d3, 25);
      e3 = Long.rotateLeft(b19 ^ d4, 8);
      e4 = Long.rotateLeft(b20 ^ d0, 18);
      a10 = e0 ^ (~e1 & e2);
      a11 = e1 ^ (~e2 & e3);
      a12 = e2 ^ (~e3 & e4);
      a13 = e3 ^ (~e4 & e0);
      a14 = e4 ^ (~e0 & e1);
      e0 = Long.rotateLeft(b4 ^ d4, 27);
      e1 = Long.rotateLeft(b5 ^ d0, 36);
      e2 = Long.rotateLeft(b11 ^ d1, 10);
      e3 = Long.rotateLeft(b17 ^ d2, 15);
      e4 = Long.rotateLeft(b23 ^ d3, 56);
      a15 = e0 ^ (~e1 & e2);
      a16 = e1 ^ (~e2 & e3);
      a17 = e2 ^ (~e3 & e4);
      a18 = e3 ^ (~e4 & e0);
      a19 = e4 ^ (~e0 & e1);
      e0 = Long.rotateLeft(b2 ^ d2, 62);
      e1 = Long.rotateLeft(b8 ^ d3, 55);
      e2 = Long.rotateLeft(b14 ^ d4, 39);
      e3 = Long.rotateLeft(b15 ^ d0, 41);
      e4 = Long.rotateLeft(b21 ^ d1, 2);
      a20 = e0 ^ (~e1 & e2);
      a21 = e1 ^ (~e2 & e3);
      a22 = e2 ^ (~e3 & e4);
      a23 = e3 ^ (~e4 & e0);
      a24 = e4 ^ (~e0 & e1);
    }
    lanes[0] = a0;
    lanes[1] = a1;
    lanes[2] = a2;
    lanes[3] = a3;
    lanes[4] = a4;
    lanes[5] = a5;
    lanes[6] = a6;
    lanes[7] = a7;
    lanes[8] = a8;
    lanes[9] = a9;
    lanes[10] = a10;
    lanes[11] = a11;
    lanes[12] = a12;
    lanes[13] = a13;
    lanes[14] = a14;
    lanes[15] = a15;
    lanes[16] = a16;
    lanes[17] = a17;
    lanes[18] = a18;
    lanes[19] = a19;
    lanes[20] = a20;
    lanes[21] = a21;
    lanes[22] = a22;
    lanes[23] = a23;
    lanes[24] = a24;
  }
}
