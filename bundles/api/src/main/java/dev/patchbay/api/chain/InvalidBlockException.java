// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.api.chain;

/**
 * Thrown when a block or header breaks a rule; the message names the field and the offending value.
 */
public final class InvalidBlockException extends Exception {
  private static final long serialVersionUID = 1L;

  /** Makes an exception. */
  public InvalidBlockException(String message) {
    super(message);
  }
}
