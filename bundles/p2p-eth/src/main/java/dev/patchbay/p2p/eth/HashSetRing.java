// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.p2p.eth;

import dev.patchbay.primitives.Hash;
import java.util.Arrays;

/**
 * A bounded set of hashes: when it is full, the oldest one leaves. A hash is represented by 64
 * keyed bits of it, so that an entry takes 24 bytes and no peer can cause collisions; two hashes
 * are taken for one with a probability of 2^-64 a pair.
 *
 * <p>Threading: any thread.
 */
final class HashSetRing {
  /** Bytes of an entry in memory. */
  static final int ENTRY_BYTES = 3 * Long.BYTES;

  private static final int MIN_CAPACITY = 64;

  private final SipHash keyed;
  private final int max;
  private final EntryBudget budget;

  /**
   * The entries in the order of their arrival; {@link #oldest} is the first one once it is full.
   */
  private long[] ring;

  private int count;
  private int oldest;
  private boolean closed;

  /**
   * The entries by their low bits, with linear probing; 0 is no entry. Twice as long as the ring.
   */
  private long[] table;

  /**
   * Creates an empty set that may grow to its size.
   *
   * @param max most entries, a power of two and at least 64
   */
  HashSetRing(SipHash keyed, int max) {
    this(keyed, max, new EntryBudget(max));
  }

  /**
   * Creates an empty set.
   *
   * @param max most entries, a power of two and at least 64
   * @param budget of several sets together; {@link #close} must follow
   */
  HashSetRing(SipHash keyed, int max, EntryBudget budget) {
    if (max < MIN_CAPACITY || Integer.bitCount(max) != 1) {
      throw new IllegalArgumentException("not a power of two of at least 64: " + max);
    }
    this.keyed = keyed;
    this.max = max;
    this.budget = budget;
    ring = new long[MIN_CAPACITY];
    table = new long[2 * MIN_CAPACITY];
  }

  /** Adds a hash; returns whether it is new. */
  boolean add(Hash hash) {
    long entry = entry(hash);
    synchronized (this) {
      if (table[find(entry)] == entry) {
        return false;
      }
      boolean isFull = count == ring.length;
      if (isFull && count < max && oldest == 0 && !closed && budget.reserve(ring.length)) {
        grow();
      }
      if (count == ring.length) {
        remove(ring[oldest]);
        ring[oldest] = entry;
        oldest = (oldest + 1) & (ring.length - 1);
      } else {
        ring[count++] = entry;
      }
      table[find(entry)] = entry;
      return true;
    }
  }

  /** Returns whether a hash is in the set. */
  boolean contains(Hash hash) {
    long entry = entry(hash);
    synchronized (this) {
      return table[find(entry)] == entry;
    }
  }

  /** Removes all entries. */
  synchronized void clear() {
    budget.release(ring.length - MIN_CAPACITY);
    ring = new long[MIN_CAPACITY];
    table = new long[2 * MIN_CAPACITY];
    count = 0;
    oldest = 0;
  }

  /** Removes all entries, and keeps few from now on. */
  synchronized void close() {
    clear();
    closed = true;
  }

  /** Returns the number of entries. */
  synchronized int size() {
    return count;
  }

  private long entry(Hash hash) {
    long entry = keyed.hash(hash.unsafeArray());
    return entry == 0 ? 1 : entry;
  }

  /** Returns where an entry is in the table, or where it belongs. */
  private int find(long entry) {
    int at = bucket(entry);
    while (table[at] != 0 && table[at] != entry) {
      at = next(at);
    }
    return at;
  }

  private int bucket(long entry) {
    return (int) entry & (table.length - 1);
  }

  private int next(int at) {
    return (at + 1) & (table.length - 1);
  }

  /** Doubles the capacity, while the first entry is the oldest one. */
  private void grow() {
    ring = Arrays.copyOf(ring, 2 * ring.length);
    table = new long[2 * ring.length];
    for (int i = 0; i < count; i++) {
      table[find(ring[i])] = ring[i];
    }
  }

  /** Removes an entry, and moves those behind it so that probing still finds them. */
  private void remove(long entry) {
    int hole = find(entry);
    table[hole] = 0;
    for (int at = next(hole); table[at] != 0; at = next(at)) {
      int distance = (at - bucket(table[at])) & (table.length - 1);
      int gap = (at - hole) & (table.length - 1);
      if (distance >= gap) {
        table[hole] = table[at];
        table[at] = 0;
        hole = at;
      }
    }
  }
}
