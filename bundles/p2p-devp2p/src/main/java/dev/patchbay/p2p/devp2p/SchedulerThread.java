// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.p2p.devp2p;

import dev.patchbay.binding.Failures;
import dev.patchbay.binding.Loop;
import java.time.Duration;
import java.util.PriorityQueue;
import java.util.concurrent.TimeUnit;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * A scheduler with a thread of its own: tasks look up names and bind ports, which may take seconds.
 * A task that throws in spite of its contract is run again.
 */
final class SchedulerThread implements Scheduler {
  private static final Logger LOG = LoggerFactory.getLogger(SchedulerThread.class);
  private static final Duration AFTER_FAILURE = Duration.ofSeconds(10);

  private record Entry(long due, Runnable task) {}

  /** The tasks that wait, the next one first; guarded by itself. */
  private final PriorityQueue<Entry> waiting =
      new PriorityQueue<>((a, b) -> Long.signum(a.due - b.due));

  private final Loop loop =
      new Loop(
          "p2p-devp2p-retry-1",
          new Failures("trying again what has failed", LOG::warn, LOG::info),
          this::step);

  SchedulerThread() {
    loop.start();
  }

  @Override
  public void schedule(Duration delay, Runnable task) {
    synchronized (waiting) {
      waiting.add(new Entry(System.nanoTime() + delay.toNanos(), task));
    }
    loop.wake();
  }

  private long step() {
    Entry next;
    synchronized (waiting) {
      next = waiting.peek();
      if (next == null) {
        return Loop.UNTIL_WOKEN;
      }
      long left = next.due - System.nanoTime();
      if (left > 0) {
        return TimeUnit.NANOSECONDS.toMillis(left) + 1;
      }
      waiting.remove();
    }
    try {
      next.task.run();
    } catch (Throwable failure) {
      schedule(AFTER_FAILURE, next.task);
      throw failure;
    }
    return 0;
  }

  /**
   * Drops the tasks that wait, and waits for the one that runs, at most 10 seconds: a lookup of the
   * platform cannot be interrupted.
   */
  void close() {
    loop.close();
  }
}
