// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.op.consensus;

import java.io.ByteArrayOutputStream;

/**
 * FastLZ at level 1: what {@link FastLz} only measures. An instruction is a run of up to 32
 * literals, or a copy of 3 to 264 bytes from up to 8,192 bytes before.
 */
final class FastLzPacker {
  private FastLzPacker() {}

  static byte[] pack(byte[] in) {
    ByteArrayOutputStream out = new ByteArrayOutputStream();
    int[] seen = new int[8192];
    int limit = in.length - 13;
    int done = 0;
    for (int at = 2; at < limit - 1; at++) {
      int hash = hash(in, at);
      int before = seen[hash];
      seen[hash] = at;
      boolean same =
          in[before] == in[at] && in[before + 1] == in[at + 1] && in[before + 2] == in[at + 2];
      if (!same || at - before >= 8192) {
        continue;
      }
      literals(out, in, done, at);
      int length = 3;
      while (at + length + 1 < in.length - 4 && in[before + length] == in[at + length]) {
        length++;
      }
      copies(out, at - before - 1, length);
      done = at + length;
      seen[hash(in, done - 2)] = done - 2;
      seen[hash(in, done - 1)] = done - 1;
      at = done - 1;
    }
    literals(out, in, done, in.length);
    return out.toByteArray();
  }

  private static int hash(byte[] in, int at) {
    long three = in[at] & 0xff | (in[at + 1] & 0xff) << 8 | (in[at + 2] & 0xff) << 16;
    return (int) ((three * 2654435769L & 0xffffffffL) >> 19);
  }

  private static void literals(ByteArrayOutputStream out, byte[] in, int from, int to) {
    for (int at = from; at < to; at += 32) {
      int count = Math.min(32, to - at);
      out.write(count - 1);
      out.write(in, at, count);
    }
  }

  private static void copies(ByteArrayOutputStream out, int distance, int length) {
    // a copy is two bytes longer than its number says, and only one of several needs that
    int left = length - 2;
    for (; left > 262; left -= 262) {
      copy(out, distance, 260);
    }
    copy(out, distance, left);
  }

  private static void copy(ByteArrayOutputStream out, int distance, int lengthLessTwo) {
    out.write(Math.min(lengthLessTwo, 7) << 5 | distance >> 8);
    if (lengthLessTwo >= 7) {
      out.write(lengthLessTwo - 7);
    }
    out.write(distance);
  }

  static byte[] unpack(byte[] packed) {
    ByteArrayOutputStream out = new ByteArrayOutputStream();
    for (int at = 0; at < packed.length; ) {
      int control = packed[at++] & 0xff;
      int kind = control >> 5;
      if (kind == 0) {
        out.write(packed, at, control + 1);
        at += control + 1;
        continue;
      }
      int length = kind + 2 + (kind == 7 ? packed[at++] & 0xff : 0);
      int distance = ((control & 0x1f) << 8 | packed[at++] & 0xff) + 1;
      for (int i = 0; i < length; i++) {
        byte[] all = out.toByteArray();
        out.write(all[all.length - distance]);
      }
    }
    return out.toByteArray();
  }
}
