// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.api.execution;

import java.time.Duration;
import java.util.function.BooleanSupplier;
import org.jspecify.annotations.Nullable;

/**
 * How long the work of a {@link Worker} may take, which also ends when nobody waits for it any
 * more. Work that can take long calls {@link #check} now and then; a thread is never interrupted,
 * which would close files under it.
 *
 * <p>Threading: belongs to the thread that opened it.
 */
public final class Deadline implements AutoCloseable {
  private static final long LOOK_NANOS = 200_000_000L;
  private static final Duration FOREVER = Duration.ofDays(365);

  private final @Nullable Deadline outer;
  private final long end;
  private final Duration length;
  private final BooleanSupplier gone;
  private final long lookNanos;

  /** When it is asked next whether anybody waits. */
  private long look = System.nanoTime();

  private Deadline(
      @Nullable Deadline outer, long end, Duration length, BooleanSupplier gone, long lookNanos) {
    this.outer = outer;
    this.end = end;
    this.length = length;
    this.gone = gone;
    this.lookNanos = lookNanos;
  }

  /** A thread whose work can have a deadline; that of other threads has none. */
  public static final class Worker extends Thread {
    private Runnable pause;
    private @Nullable Deadline current;

    /**
     * Makes a thread that is not started. It does not inherit the inheritable thread locals.
     *
     * @param pause called at every {@link #check} of work that has a deadline, by the thread;
     *     returns when the work may go on
     */
    public Worker(Runnable body, String name, Runnable pause) {
      super(null, body, name, 0, false);
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

  /**
   * Thrown when the time is over, or nobody waits; the message goes to whoever asked for the work.
   */
  public static final class ExceededException extends RuntimeException {
    private static final long serialVersionUID = 1L;

    private ExceededException(String message) {
      super(message, null, false, false);
    }
  }

  /** Sets a deadline until it is closed; an earlier one stays in force. */
  public static Deadline after(Duration length) {
    Deadline outer = current();
    return after(length, outer == null ? () -> false : outer.gone);
  }

  /**
   * Sets a deadline until it is closed; an earlier one stays in force.
   *
   * @param gone whether nobody waits for the work any more; asked by its thread, a few times a
   *     second at most
   */
  public static Deadline after(Duration length, BooleanSupplier gone) {
    return open(length, gone, LOOK_NANOS);
  }

  /**
   * Sets until it is closed that work ends when nobody wants it any more, however long it takes; an
   * earlier deadline stays in force.
   *
   * @param unwanted asked by the thread at every {@link #check}
   */
  public static Deadline unless(BooleanSupplier unwanted) {
    return open(FOREVER, unwanted, 0);
  }

  private static Deadline open(Duration length, BooleanSupplier gone, long lookNanos) {
    Deadline outer = current();
    long end = System.nanoTime() + length.toNanos();
    Deadline next =
        outer != null && outer.end - end < 0
            ? new Deadline(outer, outer.end, outer.length, gone, lookNanos)
            : new Deadline(outer, end, length, gone, lookNanos);
    set(next);
    return next;
  }

  /**
   * Returns while there is time; at once, unless the thread makes way for more urgent work.
   *
   * @throws ExceededException when the time of this thread is over, or nobody waits any more
   */
  public static void check() {
    Deadline current = current();
    if (current == null) {
      return;
    }
    if (Thread.currentThread() instanceof Worker worker) {
      worker.pause.run();
    }
    long now = System.nanoTime();
    if (now - current.end > 0) {
      throw new ExceededException(
          "execution timeout: not done after " + current.length.toMillis() + " ms");
    }
    if (now - current.look >= 0) {
      current.look = now + current.lookNanos;
      if (current.gone.getAsBoolean()) {
        throw new ExceededException("nobody waits for the result any more");
      }
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
