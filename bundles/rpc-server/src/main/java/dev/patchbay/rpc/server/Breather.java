// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.rpc.server;

import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import java.util.function.BooleanSupplier;

/**
 * Makes a thread rest while blocks are imported, {@value #RESTS} times as long as it has worked: an
 * import keeps its pace, and an expensive call comes to its end all the same.
 *
 * <p>Threading: belongs to one thread.
 */
final class Breather implements Runnable {
  private static final int RESTS = 10;
  private static final long MAX_NANOS = TimeUnit.MILLISECONDS.toNanos(200);
  private static final long STEP_NANOS = TimeUnit.MILLISECONDS.toNanos(1);

  /** Between two blocks of a chain nothing is imported for a moment. */
  private static final int QUIET_STEPS = 3;

  private final BooleanSupplier importing;
  private long rested = System.nanoTime();

  Breather(BooleanSupplier importing) {
    this.importing = importing;
  }

  @Override
  public void run() {
    if (importing.getAsBoolean()) {
      long start = System.nanoTime();
      long end = start + Math.min(RESTS * (start - rested), MAX_NANOS);
      int quiet = 0;
      while (quiet < QUIET_STEPS && System.nanoTime() < end) {
        LockSupport.parkNanos(STEP_NANOS);
        quiet = importing.getAsBoolean() ? 0 : quiet + 1;
      }
      rested = System.nanoTime();
    }
  }
}
