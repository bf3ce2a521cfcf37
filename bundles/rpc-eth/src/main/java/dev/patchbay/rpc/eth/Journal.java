// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.rpc.eth;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.function.BooleanSupplier;
import java.util.function.ToLongFunction;
import org.jspecify.annotations.Nullable;

/**
 * The latest entries of a sequence, which is read from any number of positions. The writer does not
 * know the readers: an entry costs the same however many there are. The oldest entries are evicted,
 * whether they have been read or not.
 *
 * <p>Threading: any thread.
 */
final class Journal<E> {
  private final @Nullable Object[] entries;
  private final long maxWeight;
  private final ToLongFunction<E> weigher;

  /** Positions of the oldest entry, and of the next one. */
  private long start;

  private long end;

  private long weight;

  /**
   * Creates an empty journal.
   *
   * @param capacity how many entries it holds at most
   * @param maxWeight what its entries weigh together at most, but for the latest one
   */
  Journal(int capacity, long maxWeight, ToLongFunction<E> weigher) {
    entries = new Object[capacity];
    this.maxWeight = maxWeight;
    this.weigher = weigher;
  }

  /** Continues the sequence of another journal, whose first entries have a position. */
  synchronized void restore(long position, List<E> latest) {
    start = position;
    end = position;
    latest.forEach(this::append);
  }

  /** Leaves out an entry: readers that have not read all others before it are late. */
  synchronized void skip() {
    clear();
    restore(end + 1, List.of());
  }

  private void clear() {
    start = end;
    Arrays.fill(entries, null);
    weight = 0;
  }

  /**
   * Removes all entries unless a reader needs them.
   *
   * @param read whether there is a reader; a new one takes its position before this knows it
   */
  synchronized void clearUnless(BooleanSupplier read) {
    if (start < end && !read.getAsBoolean()) {
      clear();
    }
  }

  synchronized void append(E entry) {
    weight += weigher.applyAsLong(entry);
    while (end - start == entries.length || (start < end && weight > maxWeight)) {
      weight -= weigher.applyAsLong(get(start));
      entries[index(start)] = null;
      start++;
    }
    entries[index(end)] = entry;
    end++;
  }

  private int index(long position) {
    return (int) (position % entries.length);
  }

  @SuppressWarnings({"unchecked", "NullAway"}) // only entries from start to end are read
  private E get(long position) {
    return (E) entries[index(position)];
  }

  /** Returns the position of the oldest entry. */
  synchronized long start() {
    return start;
  }

  /** Returns the position of the next entry, from which on a new reader reads. */
  synchronized long end() {
    return end;
  }

  /**
   * Returns the entries from a position on; null when one of them has been evicted.
   *
   * @param limit how many entries are returned at most
   */
  synchronized @Nullable List<E> since(long position, int limit) {
    if (position < start) {
      return null;
    }
    List<E> out = new ArrayList<>();
    long last = Math.min(end - position, limit) + position;
    for (long next = position; next < last; next++) {
      out.add(get(next));
    }
    return out;
  }
}
