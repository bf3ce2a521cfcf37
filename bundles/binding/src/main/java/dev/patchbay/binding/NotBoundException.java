// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.binding;

/** Thrown by {@link Slot#lease()} while nothing is bound. */
public final class NotBoundException extends RuntimeException {
  private static final long serialVersionUID = 1L;

  /** Creates an exception that names what is missing. */
  public NotBoundException(String name) {
    super("no " + name + " is bound");
  }
}
