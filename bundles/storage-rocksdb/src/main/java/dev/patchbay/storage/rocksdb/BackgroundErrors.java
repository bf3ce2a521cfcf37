// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.storage.rocksdb;

import java.util.Set;
import org.jspecify.annotations.Nullable;
import org.rocksdb.AbstractEventListener;
import org.rocksdb.BackgroundErrorReason;
import org.rocksdb.Status;

/**
 * Knows whether RocksDB refuses writes because a flush or a merge of files has failed. Such a write
 * is refused before any of it is in the log. RocksDB retries by itself when the disk was full.
 *
 * <p>Threading: called by threads of RocksDB.
 */
final class BackgroundErrors extends AbstractEventListener {
  private static final Set<BackgroundErrorReason> BEFORE_THE_LOG =
      Set.of(BackgroundErrorReason.FLUSH, BackgroundErrorReason.COMPACTION);

  private volatile @Nullable Status failed;

  BackgroundErrors() {
    super(
        EnabledEventCallback.ON_BACKGROUND_ERROR, EnabledEventCallback.ON_ERROR_RECOVERY_COMPLETED);
  }

  /** Returns why writes are refused, or null. */
  @Nullable Status failed() {
    return failed;
  }

  /** Returns whether a failure is for want of space, from which RocksDB recovers. */
  static boolean isDiskFull(Status status) {
    return status.getSubCode() == Status.SubCode.NoSpace
        || String.valueOf(status.getState()).contains("No space left");
  }

  @Override
  public void onBackgroundError(BackgroundErrorReason reason, Status status) {
    failed = BEFORE_THE_LOG.contains(reason) ? status : null;
  }

  @Override
  public void onErrorRecoveryCompleted(Status before) {
    failed = null;
  }
}
