// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.binding;

import java.util.concurrent.ThreadFactory;

/**
 * A thread in whose sections an interrupt waits until they end: it would close a file that a
 * section writes to, and the store with it.
 *
 * <p>It is a class of this library, and not of the bundle that uses it: when two threads load a
 * class at once, Felix 7.0.5 may keep one of them as long as the class, also when it has ended.
 *
 * <p>Threading: any thread.
 */
public final class DeferredInterruptThread extends Thread {
  private final Object lock = new Object();

  /** Sections that run, one inside of the other; guarded by the lock. */
  private int sections;

  /** Whether an interrupt waits; guarded by the lock. */
  private boolean interrupted;

  /** What interrupts wait for. */
  public interface Section extends AutoCloseable {
    /** Ends the section, in the thread that began it. */
    @Override
    void close();
  }

  private DeferredInterruptThread(Runnable body, String name) {
    super(null, body, name, 0, false);
  }

  /**
   * Returns a factory of such threads, which inherit nothing of their creator.
   *
   * @param role {@code <bundle>-<role>}; a hyphen and the number of the thread, from 0, follow
   */
  public static ThreadFactory factory(String role) {
    return Threads.factory(role, DeferredInterruptThread::new);
  }

  /** Begins a section in this thread; in a thread of another class, interrupts do not wait. */
  public static Section beginSection() {
    if (Thread.currentThread() instanceof DeferredInterruptThread thread) {
      thread.begin();
      return thread::end;
    }
    return () -> {};
  }

  private void begin() {
    synchronized (lock) {
      sections++;
      interrupted |= Thread.interrupted();
    }
  }

  private void end() {
    synchronized (lock) {
      sections--;
      if (sections == 0 && interrupted) {
        interrupted = false;
        super.interrupt();
      }
    }
  }

  @Override
  public void interrupt() {
    synchronized (lock) {
      if (sections > 0) {
        interrupted = true;
      } else {
        super.interrupt();
      }
    }
  }
}
