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
  private final boolean isMethod;
  private final transient @Nullable Answer refusal;

  /**
   * Creates an exception.
   *
   * @param part what is absent; requests that wait for the same part have equal ones
   * @param refusal the response when the request does not wait; null for a notification
   */
  AbsentException(String part, @Nullable Answer refusal) {
    this(part, false, refusal);
  }

  private AbsentException(String part, boolean isMethod, @Nullable Answer refusal) {
    super(part, null, false, false);
    this.part = part;
    this.isMethod = isMethod;
    this.refusal = refusal;
  }

  /** Creates an exception for a method, whose name is the part. */
  static AbsentException ofMethod(String name, Answer refusal) {
    return new AbsentException(name, true, refusal);
  }

  /** Returns this exception for a notification, which has no response. */
  AbsentException ofNotification() {
    return new AbsentException(part, isMethod, null);
  }

  /** Returns whether the part is a method, and {@link #part} its name. */
  boolean isMethod() {
    return isMethod;
  }

  /** Returns what is absent. */
  String part() {
    return part;
  }

  /** Returns the response when the request does not wait; null for a notification. */
  @Nullable Answer refusal() {
    return refusal;
  }
}
