// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.api.p2p;

/** A peer has not replied to a request: it is not connected, too slow, or has enough requests. */
public final class RequestFailedException extends Exception {
  private static final long serialVersionUID = 1L;

  /** Creates one without a stack trace: slow peers cause many. */
  public RequestFailedException(String message) {
    super(message, null, false, false);
  }
}
