// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.api.execution;

/**
 * Thrown when a part that an operation needs is not there at the moment: an EVM, consensus rules,
 * an executor. It may be being exchanged, so asking again soon may help.
 */
public final class NotReadyException extends IllegalStateException {
  private static final long serialVersionUID = 1L;

  /** Creates an exception; the message names the part. */
  public NotReadyException(String message) {
    super(message);
  }
}
