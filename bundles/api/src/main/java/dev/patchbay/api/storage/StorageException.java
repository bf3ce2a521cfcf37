// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.api.storage;

import java.nio.file.Path;

/** Thrown when a store cannot be opened, read or written; the message says what to do. */
public class StorageException extends RuntimeException {
  private static final long serialVersionUID = 1L;

  /** Makes an exception. */
  public StorageException(String message) {
    super(message);
  }

  /** Makes an exception with its cause. */
  public StorageException(String message, Throwable cause) {
    super(message, cause);
  }

  /** Says that a batch is refused for want of space, while nothing of it is written yet. */
  public static StorageException diskNearlyFull(Path folder, long usable, long needed) {
    return new StorageException(
        "the disk of "
            + folder
            + " is nearly full: "
            + usable
            + " bytes are left, and up to "
            + needed
            + " are needed; free some, and the node goes on by itself");
  }
}
