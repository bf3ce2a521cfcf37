// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.p2p.devp2p;

import java.time.Duration;
import java.util.concurrent.ScheduledThreadPoolExecutor;
import java.util.concurrent.ThreadPoolExecutor;
import java.util.concurrent.TimeUnit;

/**
 * A scheduler with a thread of its own, which exists while tasks wait: tasks look up names and bind
 * ports, which may take seconds.
 */
final class SchedulerThread implements Scheduler {
  private static final int IDLE_SECONDS = 1;

  private final NamedThreads threads = new NamedThreads("retry");
  private final ScheduledThreadPoolExecutor executor =
      new ScheduledThreadPoolExecutor(1, threads, new ThreadPoolExecutor.DiscardPolicy());

  SchedulerThread() {
    executor.setKeepAliveTime(IDLE_SECONDS, TimeUnit.SECONDS);
    executor.allowCoreThreadTimeOut(true);
  }

  @Override
  public void schedule(Duration delay, Runnable task) {
    executor.schedule(task, delay.toMillis(), TimeUnit.MILLISECONDS);
  }

  /**
   * Drops the tasks that wait, and waits for the one that runs.
   *
   * @param limit how long; a lookup of the platform cannot be interrupted
   */
  void close(Duration limit) {
    executor.shutdownNow();
    threads.join(limit);
  }
}
