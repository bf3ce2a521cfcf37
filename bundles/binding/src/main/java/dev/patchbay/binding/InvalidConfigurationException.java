// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.binding;

/**
 * A configuration cannot be used. The message is one line for the operator: it names the
 * configuration, the key, the value, and what is allowed. It has no stack trace: the mistake is not
 * in a program, and the container logs what a component throws. The log of the node shows the
 * message alone.
 */
public final class InvalidConfigurationException extends IllegalArgumentException {
  private static final long serialVersionUID = 1L;

  /** Creates an exception. */
  public InvalidConfigurationException(String message) {
    super(message);
  }

  @Override
  @SuppressWarnings("UnsynchronizedOverridesSynchronized") // nothing is changed
  public Throwable fillInStackTrace() {
    return this;
  }
}
