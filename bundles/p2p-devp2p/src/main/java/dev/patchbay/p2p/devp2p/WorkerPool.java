// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.p2p.devp2p;

import java.time.Duration;
import java.util.concurrent.Executor;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.ThreadPoolExecutor;
import java.util.concurrent.TimeUnit;
import java.util.function.LongSupplier;

/**
 * The threads that handle the messages of all peers. There are few of them, as the work is on the
 * processor. When a task has waited for too long, because sub-protocols block threads or work for
 * long, {@link #relieve} adds a thread, so that the other peers go on; when no task waits any
 * longer, it removes the thread again.
 *
 * <p>Threading: any thread.
 */
final class WorkerPool implements Executor {
  /** Threads that may be added. */
  static final int MAX_ADDED = 32;

  /** How long a task may wait before a thread is added. */
  static final long MAX_WAIT_NANOS = TimeUnit.MILLISECONDS.toNanos(200);

  private static final int MIN_THREADS = 4;
  private static final int IDLE_SECONDS = 30;

  private final NamedThreads threads = new NamedThreads("worker");
  private final int size;
  private final LongSupplier nanoTime;
  private final ThreadPoolExecutor pool;

  /** A task, and the time at which it was queued. */
  private record Task(Runnable work, long sinceNanos) implements Runnable {
    @Override
    public void run() {
      work.run();
    }
  }

  /** Creates a pool of one thread per processor, at least 4. */
  WorkerPool() {
    this(Math.max(MIN_THREADS, Runtime.getRuntime().availableProcessors()), System::nanoTime);
  }

  /**
   * Creates a pool.
   *
   * @param size how many threads, at least 1
   * @param nanoTime as {@link System#nanoTime}
   */
  WorkerPool(int size, LongSupplier nanoTime) {
    this.size = size;
    this.nanoTime = nanoTime;
    pool =
        new ThreadPoolExecutor(
            size, size, IDLE_SECONDS, TimeUnit.SECONDS, new LinkedBlockingQueue<>(), threads);
    pool.allowCoreThreadTimeOut(true);
  }

  /**
   * Executes a task.
   *
   * @throws RejectedExecutionException after {@link #shutdown}
   */
  @Override
  public void execute(Runnable task) {
    pool.execute(new Task(task, nanoTime.getAsLong()));
  }

  /**
   * Adds a thread when the oldest task has waited for longer than {@link #MAX_WAIT_NANOS}, whatever
   * else is completed; removes an added one when no task waits. Called often.
   */
  synchronized void relieve() {
    int before = pool.getCorePoolSize();
    Runnable oldest = pool.getQueue().peek();
    if (oldest == null && before > size) {
      pool.setCorePoolSize(before - 1);
      pool.setMaximumPoolSize(before - 1);
    } else if (oldest instanceof Task task && isOverdue(task) && before < size + MAX_ADDED) {
      pool.setMaximumPoolSize(before + 1);
      pool.setCorePoolSize(before + 1);
    }
  }

  private boolean isOverdue(Task task) {
    return nanoTime.getAsLong() - task.sinceNanos > MAX_WAIT_NANOS;
  }

  /** Returns how many threads there may be now. */
  int size() {
    return pool.getCorePoolSize();
  }

  /** Takes no more tasks; those that wait are executed. */
  void shutdown() {
    pool.shutdown();
  }

  /** Waits for the threads; returns whether all have ended. */
  boolean join(Duration limit) {
    return threads.join(limit);
  }
}
