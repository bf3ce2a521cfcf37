// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.api.tracing;

/**
 * Thrown by a tracer that cannot go on: the trace fails with the message, which goes to the client.
 */
public final class TracerException extends RuntimeException {
  private static final long serialVersionUID = 1L;

  private final boolean limit;

  /** Creates an exception. */
  public TracerException(String message) {
    this(message, false);
  }

  private TracerException(String message, boolean limit) {
    super(message);
    this.limit = limit;
  }

  /** Creates an exception of a trace that exceeds a limit, which clients get as -32005. */
  public static TracerException limit(String message) {
    return new TracerException(message, true);
  }

  /** Returns whether the exception is one of {@link #limit}. */
  public boolean isLimit() {
    return limit;
  }
}
