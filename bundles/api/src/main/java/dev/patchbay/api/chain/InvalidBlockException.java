// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.api.chain;

import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * Thrown when a block or header violates a rule; the message names the field and the offending
 * value. A {@link FutureBlockException} is for a block that may be valid later.
 */
public sealed class InvalidBlockException extends Exception permits FutureBlockException {
  private static final long serialVersionUID = 1L;

  /** Creates an exception. */
  public InvalidBlockException(String message) {
    super(message);
  }

  /**
   * Checks a field.
   *
   * @param found what the block says
   * @param expected what the rules ask for
   * @throws InvalidBlockException when they differ
   */
  public static void check(String field, @Nullable Object found, @Nullable Object expected)
      throws InvalidBlockException {
    if (!Objects.equals(found, expected)) {
      throw new InvalidBlockException(field + " is " + found + ", expected " + expected);
    }
  }
}
