// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.api.storage;

/** Thrown when a store cannot be opened, read or written; the message says what to do. */
public final class StorageException extends RuntimeException {
  private static final long serialVersionUID = 1L;

  /** Makes an exception. */
  public StorageException(String message) {
    super(message);
  }

  /** Makes an exception with its cause. */
  public StorageException(String message, Throwable cause) {
    super(message, cause);
  }
}
