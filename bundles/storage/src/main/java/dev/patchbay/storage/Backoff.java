// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.storage;

import java.util.concurrent.TimeUnit;
import java.util.function.LongSupplier;

/**
 * How long a store that has failed waits before it is opened again: not at all the first time.
 * Where it fails again within a minute after it was opened, the wait is 0.1 seconds, which doubles
 * each time, up to a minute. A store whose damage each opening survives is not opened again and
 * again without a pause.
 *
 * <p>Threading: guarded by the caller.
 */
final class Backoff {
  private static final long FIRST_NANOS = TimeUnit.MILLISECONDS.toNanos(100);
  private static final long MAX_NANOS = TimeUnit.MINUTES.toNanos(1);

  /** A store that has worked for this long has recovered. */
  private static final long RECOVERED_NANOS = TimeUnit.MINUTES.toNanos(1);

  private final LongSupplier nanoTime;
  private long openedAt;
  private long dueAt;
  private long wait;

  /** Creates the state of a store that has not failed; {@code nanoTime} is a clock. */
  Backoff(LongSupplier nanoTime) {
    this.nanoTime = nanoTime;
    dueAt = nanoTime.getAsLong();
    openedAt = dueAt - RECOVERED_NANOS;
  }

  /** Takes note that the store was opened. */
  void opened() {
    openedAt = nanoTime.getAsLong();
  }

  /** Takes note that the store, which was open, has failed. */
  void failed() {
    long now = nanoTime.getAsLong();
    wait =
        now - openedAt >= RECOVERED_NANOS
            ? 0
            : Math.min(MAX_NANOS, Math.max(FIRST_NANOS, 2 * wait));
    dueAt = now + wait;
  }

  /** Returns for how many milliseconds the store is not to be opened; 0 for none. */
  long millisLeft() {
    long left = dueAt - nanoTime.getAsLong();
    return left <= 0 ? 0 : TimeUnit.NANOSECONDS.toMillis(left) + 1;
  }
}
