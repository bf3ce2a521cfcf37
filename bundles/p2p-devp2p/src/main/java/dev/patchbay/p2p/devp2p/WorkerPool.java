// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.p2p.devp2p;

import java.time.Duration;
import java.util.concurrent.Executor;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.ThreadPoolExecutor;
import java.util.concurrent.TimeUnit;

/**
 * The threads that handle the messages of all peers. There are few of them, as the work is on the
 * processor. When all of them are blocked, as a sub-protocol may do, {@link #relieve} adds one, so
 * that the other peers go on; when tasks are completed again, it takes it back.
 *
 * <p>Threading: any thread.
 */
final class WorkerPool implements Executor {
  /** Threads that may be added. */
  static final int MAX_ADDED = 32;

  private static final int MIN_THREADS = 4;
  private static final int IDLE_SECONDS = 30;

  private final NamedThreads threads = new NamedThreads("worker");
  private final int size;
  private final ThreadPoolExecutor pool;

  /** Tasks that were completed at the last look; guarded by this. */
  private long completed;

  /** Creates a pool of one thread per processor, at least 4. */
  WorkerPool() {
    this(Math.max(MIN_THREADS, Runtime.getRuntime().availableProcessors()));
  }

  /**
   * Creates a pool.
   *
   * @param size how many threads, at least 1
   */
  WorkerPool(int size) {
    this.size = size;
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
    pool.execute(task);
  }

  /** Adds a thread when no task was completed since the last call and tasks wait; called often. */
  synchronized void relieve() {
    long now = pool.getCompletedTaskCount();
    boolean isStuck = now == completed && !pool.getQueue().isEmpty();
    completed = now;
    int before = pool.getCorePoolSize();
    if (isStuck && before < size + MAX_ADDED) {
      pool.setMaximumPoolSize(before + 1);
      pool.setCorePoolSize(before + 1);
    } else if (!isStuck && pool.getQueue().isEmpty() && before > size) {
      pool.setCorePoolSize(before - 1);
      pool.setMaximumPoolSize(before - 1);
    }
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
