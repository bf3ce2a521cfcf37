// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.api.storage;

import java.util.Arrays;
import java.util.function.BiPredicate;
import org.jspecify.annotations.Nullable;
import org.osgi.annotation.versioning.ConsumerType;

/** Reads keys of a store. Values that are returned belong to the caller. Threading: any thread. */
@ConsumerType
public interface KeyReader {
  /** Returns the value of a key, or null when there is none. */
  byte @Nullable [] get(Column column, byte[] key);

  /**
   * Visits the entries from a key on, in ascending order, until {@code visitor} returns false or
   * the column ends.
   *
   * @param from first key, inclusive; an empty array starts at the beginning
   */
  void scan(Column column, byte[] from, BiPredicate<byte[], byte[]> visitor);

  /**
   * Visits the entries from a key on, up to another key, in ascending order, until {@code visitor}
   * returns false. A store reads nothing from {@code until} on, also no entries that were deleted
   * there, which may be many. This method stops at the first entry from {@code until} on.
   *
   * @param from first key, inclusive; an empty array starts at the beginning
   * @param until the end of the keys, exclusive
   */
  default void scan(Column column, byte[] from, byte[] until, BiPredicate<byte[], byte[]> visitor) {
    scan(
        column,
        from,
        (key, value) -> Arrays.compareUnsigned(key, until) < 0 && visitor.test(key, value));
  }

  /** Returns whether a column has no entries. */
  default boolean isEmpty(Column column) {
    boolean[] empty = {true};
    scan(column, new byte[0], (key, value) -> empty[0] = false);
    return empty[0];
  }

  /**
   * Returns about how many entries a column has, for progress. A store that knows no estimate
   * counts.
   */
  default long estimateCount(Column column) {
    return count(column);
  }

  /**
   * Returns the number of entries of a column. A store that does not keep it counts, which takes as
   * long as a scan.
   */
  default long count(Column column) {
    long[] count = {0};
    scan(column, new byte[0], (key, value) -> ++count[0] > 0);
    return count[0];
  }
}
