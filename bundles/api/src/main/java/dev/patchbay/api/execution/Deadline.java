// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.api.execution;

import java.time.Duration;
import org.jspecify.annotations.Nullable;

/**
 * How long the work of a {@link Worker} may take. Work that can take long calls {@link #check} now
 * and then; a thread is never interrupted, which would close files under it.
 *
 * <p>Threading: belongs to the thread that opened it.
 */
public final class Deadline implements AutoCloseable {
  private final @Nullable Deadline outer;
  private final long end;
  private final Duration length;

  private Deadline(@Nullable Deadline outer, long end, Duration length) {
    this.outer = outer;
    this.end = end;
    this.length = length;
  }

  /** A thread whose work can have a deadline; that of other threads has none. */
  public static final class Worker extends Thread {
    private Runnable pause;
    private @Nullable Deadline current;

    /**
     * Makes a thread that is not started.
     *
     * @param pause called at every {@link #check} of work that has a deadline, by the thread;
     *     returns when the work may go on
     */
    public Worker(Runnable body, String name, Runnable pause) {
      super(body, name);
      this.pause = pause;
    }

    @Override
    public void run() {
      try {
        super.run();
      } finally {
        pause = () -> {}; // whoever still holds a thread that has ended holds no bundle with it
      }
    }
  }

  /** Thrown when the time is over; the message goes to whoever asked for the work. */
  public static final class ExceededException extends RuntimeException {
    private static final long serialVersionUID = 1L;

    ExceededException(Duration length) {
      super("execution timeout: not done after " + length.toMillis() + " ms", null, false, false);
    }
  }

  /** Sets a deadline until it is closed; an earlier one stays in force. */
  public static Deadline after(Duration length) {
    Deadline outer = current();
    long end = System.nanoTime() + length.toNanos();
    Deadline next =
        outer != null && outer.end - end < 0
            ? new Deadline(outer, outer.end, outer.length)
            : new Deadline(outer, end, length);
    set(next);
    return next;
  }

  /**
   * Returns while there is time; at once, unless the thread makes way for more urgent work.
   *
   * @throws ExceededException when the time of this thread is over
   */
  public static void check() {
    Deadline current = current();
    if (current != null && Thread.currentThread() instanceof Worker worker) {
      worker.pause.run();
    }
    if (current != null && System.nanoTime() - current.end > 0) {
      throw new ExceededException(current.length);
    }
  }

  @Override
  public void close() {
    set(outer);
  }

  private static @Nullable Deadline current() {
    return Thread.currentThread() instanceof Worker worker ? worker.current : null;
  }

  private static void set(@Nullable Deadline deadline) {
    if (Thread.currentThread() instanceof Worker worker) {
      worker.current = deadline;
    }
  }
}
