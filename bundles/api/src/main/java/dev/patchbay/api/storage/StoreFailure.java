// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.api.storage;

import java.nio.file.Path;
import java.util.concurrent.atomic.AtomicBoolean;
import org.jspecify.annotations.Nullable;

/**
 * The failure of an open store, for backends: why all later calls fail, and the listener that is
 * notified of it, once. A want of memory or of stack cannot hide a failure.
 *
 * <p>Threading: any thread.
 */
public final class StoreFailure {
  private final Path folder;

  /** The reason of a failure that there is no memory, or no stack, to describe. */
  private final String undescribed;

  private final AtomicBoolean reported = new AtomicBoolean();
  private volatile @Nullable String reason;
  private volatile @Nullable StoreListener listener;

  /** Creates the failure of a store that works. */
  public StoreFailure(Path folder) {
    this.folder = folder;
    undescribed = describe("a batch was not written to its end");
  }

  /** Implements {@link KeyValueStore#setListener}. */
  public void setListener(StoreListener next) {
    listener = next;
    report();
  }

  /** Returns whether the store has failed. */
  public boolean hasFailed() {
    return reason != null;
  }

  /**
   * Returns when the store works.
   *
   * @throws StorageException when it has failed
   */
  public void requireNone() {
    String failed = reason;
    if (failed != null) {
      report();
      throw new StorageException(failed);
    }
  }

  /** Makes the store fail, by an error that need not be described; does nothing when it has. */
  public void fail() {
    if (reason == null) {
      reason = undescribed;
    }
    report();
  }

  /**
   * Makes the store fail.
   *
   * @param why what has failed, for the operator
   * @return what the call throws
   */
  public StorageException fail(@Nullable String why, Throwable cause) {
    reason = undescribed;
    String described = describe(String.valueOf(why));
    reason = described;
    report();
    return StorageException.of(described, cause);
  }

  /**
   * Reports a call that has failed in files that are damaged, unless the failure is one that may
   * cease. The store works.
   *
   * @return what the call throws
   */
  public StorageException damaged(String message, Throwable cause) {
    StorageException thrown = StorageException.of(message, cause);
    StoreListener notified = listener;
    if (notified != null && !(thrown instanceof TransientStorageException)) {
      notified.damaged(message);
    }
    return thrown;
  }

  private String describe(String why) {
    return "the store in "
        + folder
        + " has failed and is closed: "
        + why
        + ". Nothing that was reported is lost; opening the store again decides what it holds";
  }

  private void report() {
    StoreListener notified = listener;
    String failed = reason;
    if (notified == null || failed == null || !reported.compareAndSet(false, true)) {
      return;
    }
    try {
      notified.failed(failed);
    } catch (Throwable unheard) { // for want of memory or stack: the next call reports it
      reported.set(false);
    }
  }
}
