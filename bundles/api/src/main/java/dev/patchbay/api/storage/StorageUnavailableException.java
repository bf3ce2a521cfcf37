// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.api.storage;

/** Thrown when an operation needs the store and none is bound. */
public final class StorageUnavailableException extends RuntimeException {
  private static final long serialVersionUID = 1L;

  /** Creates an exception. */
  public StorageUnavailableException(String message) {
    super(message);
  }
}
