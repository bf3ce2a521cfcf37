// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.p2p.devp2p;

import java.time.Instant;
import java.time.InstantSource;

/**
 * A clock for waits: it begins with the time of the system, and goes on evenly when that is set. A
 * wait measured by the time of the system lasts hours when that was hours ahead at the start.
 *
 * <p>Threading: any thread.
 */
final class MonotonicClock implements InstantSource {
  private final Instant start = Instant.now();
  private final long startNanos = System.nanoTime();

  @Override
  public Instant instant() {
    return start.plusNanos(System.nanoTime() - startNanos);
  }
}
