// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.rpc.server;

import org.jspecify.annotations.Nullable;

/**
 * Thrown when a request needs a part of the node that is absent. The request has had no effect: it
 * can be made again from its start when the part is back.
 */
final class AbsentException extends Exception {
  private static final long serialVersionUID = 1L;

  private final String part;
  private final transient byte @Nullable [] refusal;

  /**
   * Creates an exception.
   *
   * @param part what is absent; requests that wait for the same part have equal ones
   * @param refusal the response when the request does not wait; null for a notification
   */
  AbsentException(String part, byte @Nullable [] refusal) {
    super(part, null, false, false);
    this.part = part;
    this.refusal = refusal;
  }

  /** Returns what is absent. */
  String part() {
    return part;
  }

  /** Returns the response when the request does not wait; null for a notification. */
  byte @Nullable [] refusal() {
    return refusal;
  }
}
