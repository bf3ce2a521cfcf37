// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.rpc.server;

import dev.patchbay.binding.Threads;
import java.util.concurrent.ThreadFactory;
import java.util.concurrent.atomic.AtomicInteger;

/**
 * A thread that answers requests. While it runs a method, an interrupt waits until the method has
 * returned: it would close a file that the method writes to, and the store with it.
 */
final class RequestThread extends Thread {
  private final Object lock = new Object();

  /** Methods that run, one inside of the other; guarded by the lock. */
  private int methods;

  /** Whether an interrupt waits; guarded by the lock. */
  private boolean interrupted;

  /** A method that runs. */
  interface Running extends AutoCloseable {
    /** Ends the method, in the thread that began it. */
    @Override
    void close();
  }

  RequestThread(Runnable body, String name) {
    super(null, body, name, 0, false);
  }

  /**
   * Returns a factory of such threads.
   *
   * @param role a hyphen and the number of the thread, from 0, follow
   */
  static ThreadFactory factory(String role) {
    AtomicInteger number = new AtomicInteger();
    return body ->
        Threads.create(() -> new RequestThread(body, role + "-" + number.getAndIncrement()));
  }

  /** Begins a method in this thread, of whichever class it is. */
  static Running beginMethod() {
    if (Thread.currentThread() instanceof RequestThread thread) {
      thread.begin();
      return thread::end;
    }
    return () -> {};
  }

  private void begin() {
    synchronized (lock) {
      methods++;
      interrupted |= Thread.interrupted();
    }
  }

  private void end() {
    synchronized (lock) {
      methods--;
      if (methods == 0 && interrupted) {
        interrupted = false;
        super.interrupt();
      }
    }
  }

  @Override
  public void interrupt() {
    synchronized (lock) {
      if (methods > 0) {
        interrupted = true;
      } else {
        super.interrupt();
      }
    }
  }
}
