// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.rpc.server;

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
    super(body, name);
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
