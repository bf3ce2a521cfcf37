// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.api.storage;

import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Thrown when a store cannot be opened, read or written now, for a reason that may cease without a
 * change of its files: another process has it open, the disk is full, too many files are open. The
 * storage kernel opens such a store again by itself.
 */
public final class TransientStorageException extends StorageException {
  private static final long serialVersionUID = 1L;

  /** What operating systems say of such reasons, on Linux and on macOS. */
  private static final List<String> REASONS =
      List.of(
          "No space left on device",
          "Too many open files",
          "Input/output error",
          "Cannot allocate memory",
          "Resource temporarily unavailable");

  private static final int MAX_CAUSES = 16;

  /** Creates an exception. */
  public TransientStorageException(String message) {
    super(message);
  }

  /** Creates an exception with its cause. */
  public TransientStorageException(String message, @Nullable Throwable cause) {
    super(message, cause);
  }

  /**
   * Returns whether a failure, or one of its causes, is of this type, is a reason of the operating
   * system that may cease, or is a want of memory or stack.
   */
  public static boolean isTransient(Throwable failure) {
    Throwable cause = failure;
    for (int i = 0; i < MAX_CAUSES && cause != null; i++) {
      if (cause instanceof TransientStorageException || cause instanceof VirtualMachineError) {
        return true;
      }
      String message = cause.getMessage();
      if (message != null && REASONS.stream().anyMatch(message::contains)) {
        return true;
      }
      cause = cause.getCause();
    }
    return false;
  }
}
