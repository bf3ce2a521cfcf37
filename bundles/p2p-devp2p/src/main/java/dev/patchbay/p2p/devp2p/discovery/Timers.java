// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.p2p.devp2p.discovery;

import dev.patchbay.binding.Loop;
import java.util.PriorityQueue;
import java.util.concurrent.TimeUnit;
import java.util.function.LongSupplier;

/** The tasks of the discovery thread that are due later. */
final class Timers {
  private final LongSupplier nanoTime;
  private final PriorityQueue<Timer> queue = new PriorityQueue<>();
  private long scheduled;

  /** A task that is due at a time. */
  final class Timer implements Comparable<Timer> {
    private final long dueMillis;
    private final long order;
    private final Runnable task;

    private Timer(long dueMillis, long order, Runnable task) {
      this.dueMillis = dueMillis;
      this.order = order;
      this.task = task;
    }

    /** Prevents the task from running; does nothing when it has run. */
    void cancel() {
      queue.remove(this);
    }

    @Override
    public int compareTo(Timer other) {
      int byTime = Long.compare(dueMillis, other.dueMillis);
      return byTime != 0 ? byTime : Long.compare(order, other.order);
    }
  }

  /**
   * Creates an empty queue.
   *
   * @param nanoTime a clock that never goes back, in nanoseconds, such as {@link System#nanoTime}
   */
  Timers(LongSupplier nanoTime) {
    long start = nanoTime.getAsLong();
    this.nanoTime = () -> nanoTime.getAsLong() - start;
  }

  /** Returns the time since this instance was created, in milliseconds. */
  long nowMillis() {
    return TimeUnit.NANOSECONDS.toMillis(nanoTime.getAsLong());
  }

  /** Runs a task once, after a delay in milliseconds. */
  Timer schedule(long delayMillis, Runnable task) {
    Timer timer = new Timer(nowMillis() + delayMillis, scheduled++, task);
    queue.add(timer);
    return timer;
  }

  /**
   * Runs the tasks that are due.
   *
   * @return in how many milliseconds the next task is due; {@link Loop#UNTIL_WOKEN} when there is
   *     none
   */
  long runDue() {
    while (true) {
      Timer next = queue.peek();
      if (next == null) {
        return Loop.UNTIL_WOKEN;
      }
      long left = next.dueMillis - nowMillis();
      if (left > 0) {
        return left;
      }
      queue.remove();
      next.task.run();
    }
  }
}
