// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.rpc.server;

/** Part of an answer was sent, and the rest cannot be. */
final class BrokenAnswerException extends RuntimeException {
  private static final long serialVersionUID = 1L;

  BrokenAnswerException(Throwable cause) {
    super(cause);
  }
}
