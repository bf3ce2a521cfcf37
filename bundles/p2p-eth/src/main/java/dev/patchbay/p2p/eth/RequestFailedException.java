// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.p2p.eth;

/** A peer has not replied to a request. */
final class RequestFailedException extends Exception {
  private static final long serialVersionUID = 1L;

  /** Creates an exception without a stack trace: slow peers cause many. */
  RequestFailedException(String message) {
    super(message, null, false, false);
  }
}
