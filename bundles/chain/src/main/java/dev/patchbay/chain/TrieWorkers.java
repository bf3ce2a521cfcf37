// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.chain;

import dev.patchbay.api.execution.Deadline;
import dev.patchbay.binding.Threads;
import dev.patchbay.trie.NodeCache;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Future;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.ThreadPoolExecutor;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import org.jspecify.annotations.Nullable;

/**
 * What the computations of state roots have in common: threads that help, which end when the chain
 * is idle, and the nodes that they met lately.
 *
 * <p>Threading: any number of threads.
 */
final class TrieWorkers implements AutoCloseable {
  private static final long IDLE_SECONDS = 10;

  private static final int BYTES_PER_NODE = 700;
  private static final int MAX_NODE_BITS = 19;

  private final int threads;
  private final NodeCache nodes;
  private final ThreadPoolExecutor pool;

  TrieWorkers(int threads) {
    this(threads, nodeBits(Runtime.getRuntime().maxMemory()));
  }

  /** Keeps at most 2 to the power of {@code nodeBits} nodes. */
  TrieWorkers(int threads, int nodeBits) {
    this.threads = threads;
    nodes = new NodeCache(nodeBits);
    pool =
        new ThreadPoolExecutor(
            Math.max(1, threads),
            Math.max(1, threads),
            IDLE_SECONDS,
            TimeUnit.SECONDS,
            new LinkedBlockingQueue<>(),
            Threads.factory("chain-tries"));
    pool.allowCoreThreadTimeOut(true);
  }

  /** A fifth of the heap for nodes, at most. */
  private static int nodeBits(long heapBytes) {
    long nodes = Math.max(1, heapBytes / 5 / BYTES_PER_NODE);
    return Math.min(MAX_NODE_BITS, Long.SIZE - 1 - Long.numberOfLeadingZeros(nodes));
  }

  NodeCache nodes() {
    return nodes;
  }

  /** Starts a task; returns null when there is no thread for it. */
  @Nullable Future<?> start(Runnable task) {
    try {
      return threads > 0 ? pool.submit(task) : null;
    } catch (RejectedExecutionException | OutOfMemoryError noThread) {
      return null;
    }
  }

  /**
   * Runs all tasks, some of them on this thread, and returns when all have ended. When this thread
   * has a {@link Deadline} that passes, those that have not begun are left out.
   */
  void run(List<Runnable> tasks) {
    AtomicInteger next = new AtomicInteger();
    Runnable share =
        () -> {
          for (int i = next.getAndIncrement(); i < tasks.size(); i = next.getAndIncrement()) {
            Deadline.check();
            tasks.get(i).run();
          }
        };
    List<Future<?>> helpers = new ArrayList<>();
    try {
      for (int i = 0; i < Math.min(threads, tasks.size() - 1); i++) {
        helpers.add(pool.submit(share));
      }
    } catch (RejectedExecutionException | OutOfMemoryError noThread) {
      // this thread does the rest
    }
    Throwable failure = null;
    try {
      share.run();
    } catch (Throwable own) { // thrown below, when no helper runs any more
      failure = own;
    }
    next.set(tasks.size());
    for (Future<?> helper : helpers) {
      // one that still waits for a thread has nothing left to do
      if (!(helper instanceof Runnable waiting && pool.remove(waiting))) {
        Throwable other = ended(helper);
        failure = failure == null ? other : failure;
      }
    }
    rethrow(failure);
  }

  /** Waits for a task, and throws what it threw. */
  static void await(Future<?> helper) {
    rethrow(ended(helper));
  }

  /** Waits for a task; returns what it threw, null when it threw nothing. */
  private static @Nullable Throwable ended(Future<?> helper) {
    boolean interrupted = false;
    try {
      while (true) {
        try {
          helper.get();
          return null;
        } catch (InterruptedException again) { // its task reads what the caller would drop
          interrupted = true;
        } catch (ExecutionException failed) {
          return failed.getCause();
        }
      }
    } finally {
      if (interrupted) {
        Thread.currentThread().interrupt();
      }
    }
  }

  private static void rethrow(@Nullable Throwable failure) {
    if (failure instanceof RuntimeException cause) {
      throw cause;
    }
    if (failure instanceof Error error) {
      throw error;
    }
    if (failure != null) {
      throw new IllegalStateException(failure);
    }
  }

  @Override
  public void close() {
    pool.shutdown();
  }
}
