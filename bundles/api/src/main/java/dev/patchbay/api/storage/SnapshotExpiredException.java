// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.api.storage;

/**
 * Thrown by reads of a {@link Snapshot} that was open while more changed than the store keeps old
 * values of. The store itself is not affected: a new snapshot can be opened.
 */
public final class SnapshotExpiredException extends StorageException {
  private static final long serialVersionUID = 1L;

  /** Creates an exception. */
  public SnapshotExpiredException(String message) {
    super(message);
  }
}
