// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.api.storage;

import java.nio.file.Path;
import java.util.Collection;
import org.jspecify.annotations.Nullable;

/** Thrown when a store cannot be opened, read or written; the message says what to do. */
public class StorageException extends RuntimeException {
  private static final long serialVersionUID = 1L;

  private static final long BYTES_PER_MB = 1_000_000;

  /** Creates an exception. */
  public StorageException(String message) {
    super(message);
  }

  /** Creates an exception with its cause. */
  public StorageException(String message, @Nullable Throwable cause) {
    super(message, cause);
  }

  /**
   * Creates an exception for a failure of the system; a {@link TransientStorageException} when the
   * failure may cease.
   */
  public static StorageException of(String message, Throwable failure) {
    return TransientStorageException.isTransient(failure)
        ? new TransientStorageException(message, failure)
        : new StorageException(message, failure);
  }

  /** Says that another process, or another part of this one, has the store in a folder open. */
  public static StorageException inUse(Path folder, @Nullable Throwable cause) {
    return new TransientStorageException(
        "the store in "
            + folder
            + " is in use by another process; stop it, or choose another --datadir",
        cause);
  }

  /**
   * Says that opening a store has failed: for now, or since its files are damaged.
   *
   * @param failure what a file or a library threw
   */
  public static StorageException cannotOpen(Path folder, Throwable failure) {
    if (TransientStorageException.isTransient(failure)) {
      return new TransientStorageException(
          "the store in " + folder + " cannot be opened now: " + failure, failure);
    }
    return new StorageException(
        "the store in "
            + folder
            + " cannot be opened: its files are damaged or not readable ("
            + failure
            + "). Nothing was changed. Restore the folder from a backup, or start with another --datadir",
        failure);
  }

  /** Says that a store has columns that it is not opened with. */
  public static StorageException unknownColumns(Path folder, Collection<String> names) {
    return new StorageException(
        "the store in "
            + folder
            + " has columns that this release does not know: "
            + String.join(", ", names)
            + ". Nothing was changed. Open it with the release that wrote it");
  }

  /** Says that a store lacks columns, or all of its files. */
  public static StorageException incomplete(Path folder, String what) {
    return new StorageException(
        "the store in "
            + folder
            + " is incomplete: "
            + what
            + ". Nothing was changed. Restore the folder from a backup, or start with another"
            + " --datadir");
  }

  /**
   * Says that a batch is refused for want of space, while nothing of it is written yet.
   *
   * @param usable bytes that are left
   * @param needed bytes that may be needed
   */
  public static StorageException diskNearlyFull(Path folder, long usable, long needed) {
    return new TransientStorageException(
        "the disk of "
            + folder
            + " is nearly full: "
            + usable / BYTES_PER_MB
            + " MB are left, and up to "
            + (needed + BYTES_PER_MB - 1) / BYTES_PER_MB
            + " MB are needed; free some, and the node goes on by itself");
  }
}
