// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.rpc.server;

import dev.patchbay.api.execution.Deadline;
import dev.patchbay.api.rpc.RpcError;
import java.time.Duration;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.BooleanSupplier;
import org.jspecify.annotations.Nullable;

/**
 * Runs few expensive calls at a time, on threads of its own; some wait, the rest is refused.
 *
 * <p>Threading: any thread.
 */
final class Gate implements AutoCloseable {
  private final Semaphore running;
  private final ExecutorService threads;
  private final int most;
  private final int waiting;

  /**
   * Makes a gate.
   *
   * @param most calls that run at a time
   * @param waiting calls that may wait
   * @param importing whether blocks are imported now: calls then take a small part of the time
   */
  Gate(int most, int waiting, BooleanSupplier importing) {
    this.running = new Semaphore(most, true);
    this.most = most;
    this.waiting = waiting;
    AtomicInteger count = new AtomicInteger();
    threads =
        Executors.newCachedThreadPool(
            body ->
                new Deadline.Worker(
                    body, "rpc-expensive-" + count.getAndIncrement(), new Breather(importing)));
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
      enter(time);
      return run(() -> {
            try (Deadline ends = Deadline.after(time.minusNanos(System.nanoTime() - start), gone)) {
              Deadline.check(); // short calls make way for an import, too
              return work.call();
            } finally {
              running.release();
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

  private void enter(Duration time) throws RpcError, InterruptedException {
    if (running.tryAcquire()) {
      return;
    }
    if (running.getQueueLength() >= waiting) {
      throw new RpcError(
          RpcError.Kind.LIMIT,
          "too many expensive calls: " + most + " run and " + waiting + " wait; try again");
    }
    if (!running.tryAcquire(time.toNanos(), TimeUnit.NANOSECONDS)) {
      throw new RpcError(
          RpcError.Kind.TIMEOUT, "the call has waited too long for others; try again");
    }
  }

  private <T extends @Nullable Object> Future<T> run(Callable<T> work) throws RpcError {
    try {
      return threads.submit(work);
    } catch (RejectedExecutionException closed) {
      running.release();
      throw new RpcError(RpcError.Kind.TIMEOUT, "the node is stopping");
    } catch (Throwable failure) { // no memory for a thread: the permit must come back
      running.release();
      throw failure;
    }
  }

  /** Refuses further calls; those that run go on until their end. */
  @Override
  public void close() {
    threads.shutdown();
  }
}
