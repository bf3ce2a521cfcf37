// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.rpc.server;

import dev.patchbay.api.execution.Deadline;
import dev.patchbay.api.rpc.RpcError;
import dev.patchbay.binding.Threads;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.function.BooleanSupplier;
import org.jspecify.annotations.Nullable;

/**
 * Runs few expensive calls at a time, on threads of its own; some wait, the rest is refused.
 *
 * <p>Threading: any thread.
 */
final class Gate implements AutoCloseable {
  /** How often a call that waits looks whether its client has disconnected. */
  private static final long LOOK_NANOS = 200_000_000L;

  private final ExecutorService threads;
  private final int most;
  private final int waiting;

  /** Calls that run; guarded by {@link #queue}. */
  private int running;

  /** Calls that wait, in the order of their turns; guarded by itself. */
  private final Deque<Object> queue = new ArrayDeque<>();

  /**
   * Makes a gate.
   *
   * @param most calls that run at a time
   * @param waiting calls that may wait
   * @param importing whether blocks are imported now: calls then take a small part of the time
   */
  Gate(int most, int waiting, BooleanSupplier importing) {
    this.most = most;
    this.waiting = waiting;
    threads =
        Executors.newCachedThreadPool(
            Threads.factory(
                "rpc-expensive",
                (body, name) -> new Deadline.Worker(body, name, new Breather(importing))));
  }

  /** Returns how many calls run or wait at a time, each with the thread that asked for it. */
  int capacity() {
    return most + waiting;
  }

  /**
   * Runs a call in its turn and returns what it does.
   *
   * @param time how long waiting and running may take
   * @param gone whether nobody waits for the outcome any more, by whichever thread
   * @throws RpcError as the call does; also when too many wait already, or its turn does not come
   *     in time
   */
  <T extends @Nullable Object> T call(Duration time, BooleanSupplier gone, Callable<T> work)
      throws RpcError {
    long start = System.nanoTime();
    try {
      enter(time, gone);
      return run(() -> {
            try (Deadline ends = Deadline.after(time.minusNanos(System.nanoTime() - start), gone)) {
              Deadline.check(); // short calls make way for an import, too
              return work.call();
            } finally {
              leave();
            }
          })
          .get();
    } catch (InterruptedException stopping) {
      Thread.currentThread().interrupt();
      throw new RpcError(RpcError.Kind.TIMEOUT, "the node is stopping");
    } catch (ExecutionException failure) {
      Throwable cause = failure.getCause();
      if (cause instanceof RpcError error) {
        throw error;
      }
      if (cause instanceof RuntimeException unchecked) {
        throw unchecked;
      }
      if (cause instanceof Error error) {
        throw error;
      }
      throw new IllegalStateException(cause);
    }
  }

  private void enter(Duration time, BooleanSupplier gone) throws RpcError, InterruptedException {
    long end = System.nanoTime() + time.toNanos();
    Object turn = new Object();
    synchronized (queue) {
      if (queue.isEmpty() && running < most) {
        running++;
        return;
      }
      if (queue.size() >= waiting) {
        throw new RpcError(
            RpcError.Kind.LIMIT,
            "too many expensive calls: " + most + " run and " + waiting + " wait; try again");
      }
      queue.addLast(turn);
    }
    try {
      long left = end - System.nanoTime();
      while (!awaitTurn(turn, Math.min(left, LOOK_NANOS))) {
        left = end - System.nanoTime();
        if (left <= 0) {
          throw new RpcError(
              RpcError.Kind.TIMEOUT, "the call has waited too long for others; try again");
        }
        if (gone.getAsBoolean()) {
          throw new RpcError(RpcError.Kind.TIMEOUT, "the client has disconnected");
        }
      }
    } finally {
      synchronized (queue) {
        queue.remove(turn);
        queue.notifyAll();
      }
    }
  }

  /** Waits for the turn of a call, and takes it; returns false when it does not come in time. */
  private boolean awaitTurn(Object turn, long nanos) throws InterruptedException {
    long end = System.nanoTime() + nanos;
    synchronized (queue) {
      while (queue.peekFirst() != turn || running >= most) {
        long left = end - System.nanoTime();
        if (left <= 0) {
          return false;
        }
        TimeUnit.NANOSECONDS.timedWait(queue, left);
      }
      running++;
      return true;
    }
  }

  private void leave() {
    synchronized (queue) {
      running--;
      queue.notifyAll();
    }
  }

  private <T extends @Nullable Object> Future<T> run(Callable<T> work) throws RpcError {
    try {
      return threads.submit(work);
    } catch (RejectedExecutionException closed) {
      leave();
      throw new RpcError(RpcError.Kind.TIMEOUT, "the node is stopping");
    } catch (Throwable failure) { // no memory for a thread: the permit must come back
      leave();
      throw failure;
    }
  }

  /** Refuses further calls; those that run go on until their end. */
  @Override
  public void close() {
    threads.shutdown();
  }
}
