// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.p2p.devp2p;

import dev.patchbay.binding.Threads;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.ThreadFactory;
import java.util.concurrent.ThreadPoolExecutor;
import java.util.concurrent.TimeUnit;

/**
 * Creates the threads of one role, {@code p2p-devp2p-<role>-<number>}, and waits for their end.
 * Executors report that they have ended before their threads have.
 *
 * <p>Threading: any thread.
 */
final class NamedThreads implements ThreadFactory {
  private static final int IDLE_SECONDS = 30;

  private final String role;

  // guarded by this
  private final List<Thread> created = new ArrayList<>();
  private int number;

  NamedThreads(String role) {
    this.role = role;
  }

  @Override
  public synchronized Thread newThread(Runnable body) {
    created.removeIf(thread -> thread.getState() == Thread.State.TERMINATED);
    Thread thread = Threads.create(body, "p2p-devp2p-" + role + "-" + ++number);
    created.add(thread);
    return thread;
  }

  /** Returns an executor of one thread, which ends when it was idle for 30 seconds. */
  ThreadPoolExecutor executor() {
    ThreadPoolExecutor executor =
        new ThreadPoolExecutor(
            1, 1, IDLE_SECONDS, TimeUnit.SECONDS, new LinkedBlockingQueue<>(), this);
    executor.allowCoreThreadTimeOut(true);
    return executor;
  }

  /**
   * Waits for the end of all threads, which must have been asked to end.
   *
   * @param limit how long, in total
   * @return whether all have ended
   */
  boolean join(Duration limit) {
    List<Thread> threads;
    synchronized (this) {
      threads = List.copyOf(created);
    }
    long start = System.nanoTime();
    boolean ended = true;
    for (Thread thread : threads) {
      long left = limit.toNanos() - (System.nanoTime() - start);
      try {
        TimeUnit.NANOSECONDS.timedJoin(thread, left);
      } catch (InterruptedException interrupted) {
        Thread.currentThread().interrupt();
        return false;
      }
      ended &= !thread.isAlive();
    }
    return ended;
  }
}
