// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.api.storage;

import org.jspecify.annotations.Nullable;

/**
 * A column of a store: a key space of its own, by its name. Keys within a column are ordered by
 * their unsigned bytes. The owner of a store declares its columns; backends keep them by name, and
 * columns are equal when their names are.
 *
 * @param name 1 to 64 ASCII letters, digits, '_' and '-', a letter first; names that start with
 *     {@value #RESERVED_PREFIX} belong to the storage kernel
 * @param access how the column is used, for backends that tune their files by it
 */
public record Column(String name, Access access) {
  /** Start of the names that owners of stores must not use. */
  public static final String RESERVED_PREFIX = "PATCHBAY_";

  /** How a column is read and written. A hint: it changes no result. */
  public enum Access {
    /** Nothing special. */
    GENERAL,
    /** Read at random keys that mostly exist; keys and values are hashes and numbers. */
    RANDOM,
    /** As {@link #RANDOM}, and rewritten at random keys by every batch. */
    REWRITTEN,
    /** Written once; values are often longer than a kilobyte. */
    LARGE_VALUES
  }

  /**
   * Creates a column.
   *
   * @throws IllegalArgumentException when the name is malformed
   */
  public Column {
    if (!name.matches("[A-Za-z][A-Za-z0-9_-]{0,63}")) {
      throw new IllegalArgumentException("'" + name + "' is not a name of a column");
    }
  }

  /** Creates a column of general use. */
  public Column(String name) {
    this(name, Access.GENERAL);
  }

  @Override
  public boolean equals(@Nullable Object other) {
    return this == other || (other instanceof Column column && name.equals(column.name));
  }

  @Override
  public int hashCode() {
    return name.hashCode();
  }

  @Override
  public String toString() {
    return name;
  }
}
