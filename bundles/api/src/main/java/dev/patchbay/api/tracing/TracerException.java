// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.api.tracing;

/**
 * Thrown by a tracer that cannot go on: the trace fails with the message, which goes to the client.
 */
public final class TracerException extends RuntimeException {
  private static final long serialVersionUID = 1L;

  /** Creates an exception. */
  public TracerException(String message) {
    super(message);
  }
}
