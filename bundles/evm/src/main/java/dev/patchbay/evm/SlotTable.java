// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.evm;

import java.util.Arrays;

/**
 * Storage slots of all accounts in one open-addressed table. An entry is {@value #ENTRY} longs: the
 * id of the storage, four limbs of the key, then the value now, at the start of the transaction and
 * at the start of the block, the stamp of the transaction that warmed it, the id of the account
 * with {@link #ACCESSED}, and one more than the position in the journal of the last record of its
 * value, 0 for none.
 *
 * <p>The hash is seeded per table, so that nobody can choose keys that collide.
 */
final class SlotTable {
  static final int ENTRY = 20;
  static final int KEY = 1;
  static final int CURRENT = 5;
  static final int ORIGINAL = 9;
  static final int BASE = 13;
  static final int WARM = 17;
  static final int ACCOUNT = 18;
  static final int JOURNALED = 19;

  /** Added to the id of the account when the block has accessed the slot (EIP-7928). */
  static final long ACCESSED = 1L << 32;

  long[] entries = new long[ENTRY * 64];
  private int[] index = new int[128];
  private int count = 1;
  private final long seed;

  SlotTable(long seed) {
    this.seed = seed | 1;
  }

  /** Returns the offset of the first entry; entry 0 is never used. */
  static int first() {
    return ENTRY;
  }

  /** Returns the offset after the last entry. */
  int end() {
    return count * ENTRY;
  }

  void clear() {
    if (count > 1) {
      Arrays.fill(index, 0);
      count = 1;
    }
  }

  /** Returns the offset of an entry, negated when it was inserted just now. */
  int find(long id, long k0, long k1, long k2, long k3) {
    int mask = index.length - 1;
    int i = (int) hash(id, k0, k1, k2, k3) & mask;
    long[] e = entries;
    for (int at; (at = index[i]) != 0; i = (i + 1) & mask) {
      if (((e[at] ^ id) | (e[at + 1] ^ k0) | (e[at + 2] ^ k1) | (e[at + 3] ^ k2) | (e[at + 4] ^ k3))
          == 0) {
        return at;
      }
    }
    return -insert(i, id, k0, k1, k2, k3);
  }

  private int insert(int slot, long id, long k0, long k1, long k2, long k3) {
    int at = count++ * ENTRY;
    if (at + ENTRY > entries.length) {
      entries = Arrays.copyOf(entries, entries.length * 2);
    }
    Arrays.fill(entries, at, at + ENTRY, 0);
    entries[at] = id;
    entries[at + 1] = k0;
    entries[at + 2] = k1;
    entries[at + 3] = k2;
    entries[at + 4] = k3;
    index[slot] = at;
    if (count * 2 > index.length) {
      rehash();
    }
    return at;
  }

  private void rehash() {
    int[] larger = new int[index.length * 2];
    int mask = larger.length - 1;
    for (int at = first(); at < end(); at += ENTRY) {
      long[] e = entries;
      int i = (int) hash(e[at], e[at + 1], e[at + 2], e[at + 3], e[at + 4]) & mask;
      while (larger[i] != 0) {
        i = (i + 1) & mask;
      }
      larger[i] = at;
    }
    index = larger;
  }

  private long hash(long id, long k0, long k1, long k2, long k3) {
    long h = (k0 ^ seed) * 0x9E3779B97F4A7C15L;
    h = (Long.rotateLeft(h, 29) ^ k1) * 0xD6E8FEB86659FD93L;
    h = (Long.rotateLeft(h, 31) ^ k2 ^ id) * 0x9E3779B97F4A7C15L;
    h = (Long.rotateLeft(h, 29) ^ k3) * 0xD6E8FEB86659FD93L;
    return h ^ (h >>> 32);
  }
}
