// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.binding;

import java.util.concurrent.TimeUnit;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/**
 * A thread that the node needs: repeats a step until it is closed. A step that throws anything,
 * also an {@link Error}, is recorded in {@link Failures} and repeated after a pause of 0.1 seconds,
 * which doubles with each failure in a row, up to 10 seconds. {@link #wake} ends the pause after
 * 0.1 seconds: the cause of the failure may have ceased. Nothing but {@link #close} ends the
 * thread.
 *
 * <p>Threading: any thread.
 */
public final class Loop implements AutoCloseable {
  /** What a step returns to wait until {@link #wake}. */
  public static final long UNTIL_WOKEN = Long.MAX_VALUE;

  private static final long MIN_PAUSE_MILLIS = 100;
  private static final long MAX_PAUSE_MILLIS = 10_000;
  private static final long JOIN_MILLIS = 10_000;

  private final Step step;
  private final Failures failures;
  private final Thread thread;
  private final Object signal = new Object();

  /** Whether {@link #wake} was called since the last wait; guarded by {@link #signal}. */
  private boolean woken;

  private volatile boolean closed;

  /** A step of the work. */
  public interface Step {
    /**
     * Does the work that is due.
     *
     * @return for how many milliseconds nothing is due, unless {@link Loop#wake} is called; 0 for
     *     none, {@link Loop#UNTIL_WOKEN} for any time
     * @throws Exception when the step fails; it is repeated
     */
    long run() throws Exception;
  }

  /**
   * Creates a loop that is not started.
   *
   * @param thread name of the thread: {@code <bundle>-<role>-<number>}
   */
  public Loop(String thread, Failures failures, Step step) {
    this(body -> Threads.create(body, thread), failures, step);
  }

  /**
   * Creates a loop that is not started.
   *
   * @param thread creates the thread, with a name, around its body
   */
  public Loop(Function<Runnable, Thread> thread, Failures failures, Step step) {
    this.failures = failures;
    this.step = step;
    this.thread = thread.apply(this::run);
  }

  /** Starts the thread; at most once. */
  public void start() {
    thread.start();
  }

  /**
   * Ends the wait after a step, or the next wait when none is under way. The pause after a failure
   * takes at least 0.1 seconds nevertheless.
   */
  public void wake() {
    synchronized (signal) {
      woken = true;
      signal.notifyAll();
    }
  }

  /** Returns whether {@link #close} was called: a long step must then return. */
  public boolean isClosed() {
    return closed;
  }

  /**
   * Ends the thread, and waits for it, at most 10 seconds. The thread is not interrupted: an
   * interrupt would close the files of a store. Does not wait in the thread itself.
   */
  @Override
  public void close() {
    synchronized (signal) {
      closed = true;
      signal.notifyAll();
    }
    if (Thread.currentThread() == thread) {
      return;
    }
    try {
      thread.join(JOIN_MILLIS);
    } catch (InterruptedException interrupted) {
      Thread.currentThread().interrupt();
    }
  }

  private void run() {
    long pause = 0;
    while (!closed) {
      try {
        if (pause > 0) {
          await(MIN_PAUSE_MILLIS, false);
          await(pause - MIN_PAUSE_MILLIS, true);
        }
        if (closed) {
          return;
        }
        long rest = step.run();
        pause = 0;
        failures.succeeded();
        await(rest, true);
      } catch (Throwable failure) { // a thread that the node needs does not end
        pause = Math.min(MAX_PAUSE_MILLIS, Math.max(MIN_PAUSE_MILLIS, 2 * pause));
        failed(failure);
      }
    }
  }

  private void failed(Throwable failure) {
    if (!closed) {
      failures.failed(failure);
    }
    Thread.interrupted(); // only close() ends the thread, an interrupt does not
  }

  /**
   * Waits.
   *
   * @param wakes whether {@link #wake} ends the wait
   */
  private void await(long millis, boolean wakes) throws InterruptedException {
    synchronized (signal) {
      long start = System.nanoTime();
      long left = millis;
      while (left > 0 && !closed && !(wakes && woken)) {
        signal.wait(left == UNTIL_WOKEN ? 0 : left);
        left =
            millis == UNTIL_WOKEN
                ? UNTIL_WOKEN
                : millis - TimeUnit.NANOSECONDS.toMillis(System.nanoTime() - start);
      }
      if (wakes) {
        woken = false;
      }
    }
  }

  /** Returns the latest failure as one line; null when the latest step succeeded. */
  public @Nullable String failure() {
    return failures.latest();
  }
}
