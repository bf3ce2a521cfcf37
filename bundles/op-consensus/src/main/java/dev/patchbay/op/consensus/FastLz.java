// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.op.consensus;

/**
 * How long FastLZ at level 1 makes some bytes: by that a transaction pays for its share of a batch
 * (OP Stack specification, Fjord). Nothing is compressed. Threading: stateless.
 */
final class FastLz {
  private static final int HASHES = 1 << 13;
  private static final int FARTHEST = (1 << 13) - 1;
  private static final int LONGEST_LITERAL = 32;
  private static final int LONGEST_MATCH = 262;

  /** Bytes at the end that no match begins in. */
  private static final int TAIL = 13;

  private FastLz() {}

  static int length(byte[] in) {
    int[] last = new int[HASHES];
    int limit = Math.max(0, in.length - TAIL);
    int out = 0;
    int anchor = 0;
    int at = 2;
    while (at < limit) {
      int reference;
      boolean found;
      do {
        int three = three(in, at);
        int hash = hash(three);
        reference = last[hash];
        last[hash] = at;
        found = at - reference <= FARTHEST && three == three(in, reference);
        at++;
      } while (!found && at < limit);
      if (!found || at >= limit) {
        break;
      }
      at--;
      out += literals(at - anchor);
      int match = match(in, reference + 3, at + 3, limit + 9);
      out += 3 * ((match - 1) / LONGEST_MATCH) + ((match - 1) % LONGEST_MATCH >= 6 ? 3 : 2);
      at += match;
      last[hash(three(in, at))] = at++;
      last[hash(three(in, at))] = at++;
      anchor = at;
    }
    return out + literals(in.length - anchor);
  }

  private static int literals(int count) {
    int rest = count % LONGEST_LITERAL;
    return (LONGEST_LITERAL + 1) * (count / LONGEST_LITERAL) + (rest == 0 ? 0 : rest + 1);
  }

  /** Counts equal bytes, with the first that differs. */
  private static int match(byte[] in, int from, int with, int end) {
    int length = 0;
    while (with + length < end) {
      length++;
      if (in[from + length - 1] != in[with + length - 1]) {
        break;
      }
    }
    return length;
  }

  private static int three(byte[] in, int at) {
    return (in[at] & 0xff) | (in[at + 1] & 0xff) << 8 | (in[at + 2] & 0xff) << 16;
  }

  private static int hash(int three) {
    return (0x9e3779b9 * three) >>> 19 & (HASHES - 1);
  }
}
