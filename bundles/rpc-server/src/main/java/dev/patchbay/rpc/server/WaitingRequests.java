// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.rpc.server;

import dev.patchbay.binding.Failures;
import dev.patchbay.binding.Loop;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Queue;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.SynchronousQueue;
import java.util.concurrent.ThreadPoolExecutor;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Consumer;
import java.util.function.LongSupplier;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Keeps the messages that wait for a part of the node which is being replaced. While they wait they
 * have no thread. Of the messages that wait for one part, the first is tried again now and then;
 * when the part is back all of them go on. They also go on, to be refused, when the part will not
 * be back, or when their time is over.
 *
 * <p>Threading: any thread. Messages go on in threads of this object.
 */
final class WaitingRequests implements AutoCloseable {
  private static final Logger LOG = LoggerFactory.getLogger(WaitingRequests.class);
  private static final long TRY_EVERY_MILLIS = 10;

  /** More than the expensive calls that run and wait, so that these do not keep others out. */
  private static final int MAX_THREADS = 64;

  private static final int KEEP_THREADS_SECONDS = 2;

  /** Bytes of all messages that wait; their parsed form is larger. */
  private static final long MAX_BYTES = 16 << 20;

  private final Replacements replacements;
  private final int limit;
  private final long limitNanos;
  private final LongSupplier clock;
  private final Consumer<Message> goOn;
  private final ThreadPoolExecutor threads;
  private final Queue<Runnable> tasks = new ConcurrentLinkedQueue<>();
  private final Quota workers = new Quota(MAX_THREADS);
  private final Loop loop;

  /** The messages that wait for each part, the first one first; guarded by this. */
  private final Map<String, Deque<Message>> byPart = new LinkedHashMap<>();

  /** The message of each part that is being tried again; guarded by this. */
  private final Map<String, Message> tried = new HashMap<>();

  /** Of the messages that wait or are being tried again; guarded by this. */
  private int count;

  private long bytes;
  private boolean closed;

  /**
   * Creates an instance without messages.
   *
   * @param replacements what is being replaced
   * @param limit messages that may wait at a time
   * @param time how long a message may wait
   * @param clock nanoseconds as of {@link System#nanoTime}
   * @param goOn goes on with a message, which may wait again; it throws nothing
   */
  WaitingRequests(
      Replacements replacements,
      int limit,
      Duration time,
      LongSupplier clock,
      Consumer<Message> goOn) {
    this.replacements = replacements;
    this.limit = limit;
    this.limitNanos = time.toNanos();
    this.clock = clock;
    this.goOn = goOn;
    AtomicInteger number = new AtomicInteger();
    threads =
        new ThreadPoolExecutor(
            0,
            Integer.MAX_VALUE,
            KEEP_THREADS_SECONDS,
            TimeUnit.SECONDS,
            new SynchronousQueue<>(),
            body -> new Thread(body, "rpc-waited-" + number.getAndIncrement()));
    loop =
        new Loop(
            "rpc-waiting-0",
            new Failures("trying waiting requests", LOG::warn, LOG::info),
            this::step);
    loop.start();
  }

  /**
   * Keeps a message until a part is back. Returns false when it may not wait: the part will not be
   * back, the time of the message is over, or too many wait.
   */
  boolean add(String part, Message message) {
    long now = clock.getAsLong();
    if (message.waitUntil(now + limitNanos) - now <= 0 || !replacements.mayReturn()) {
      return false;
    }
    synchronized (this) {
      if (closed) {
        return false;
      }
      if (tried.get(part) == message) {
        byPart.computeIfAbsent(part, key -> new ArrayDeque<>()).addFirst(message);
        return true;
      }
      if (count >= limit || bytes + message.bytes() > MAX_BYTES) {
        return false;
      }
      count++;
      bytes += message.bytes();
      byPart.computeIfAbsent(part, key -> new ArrayDeque<>()).addLast(message);
      if (count > 1) {
        return true;
      }
    }
    loop.wake();
    return true;
  }

  /** Tries waiting messages soon: a part may be back. */
  void wake() {
    loop.wake();
  }

  /** Returns the number of messages that wait. */
  synchronized int count() {
    return count;
  }

  /** Lets messages go on, and returns after how many milliseconds the next ones may be due. */
  private long step() {
    boolean returns = replacements.mayReturn();
    long now = clock.getAsLong();
    List<Runnable> tasks = new ArrayList<>();
    synchronized (this) {
      byPart.forEach(
          (part, waiting) -> {
            while (!waiting.isEmpty()
                && (!returns || waiting.getFirst().waitUntil(now) - now <= 0)) {
              tasks.add(released(waiting.removeFirst()));
            }
            if (!waiting.isEmpty() && !tried.containsKey(part)) {
              Message first = waiting.removeFirst();
              tried.put(part, first);
              tasks.add(() -> attempt(part, first));
            }
          });
      byPart.values().removeIf(Deque::isEmpty);
    }
    tasks.forEach(this::execute);
    synchronized (this) {
      return count == 0 ? Loop.UNTIL_WOKEN : TRY_EVERY_MILLIS;
    }
  }

  /** Returns the rest of the work on a message that does not wait any more. */
  private Runnable released(Message message) {
    leave(message);
    return () -> goOn.accept(message);
  }

  private void leave(Message message) {
    count--;
    bytes -= message.bytes();
  }

  /** Goes on with a message, and then, unless it waits for the same part again, with all others. */
  private void attempt(String part, Message message) {
    goOn.accept(message);
    List<Runnable> others = new ArrayList<>();
    synchronized (this) {
      tried.remove(part);
      Deque<Message> waiting = byPart.get(part);
      if (waiting != null && waiting.peekFirst() == message) {
        return;
      }
      leave(message);
      if (waiting != null) {
        waiting.forEach(other -> others.add(released(other)));
        byPart.remove(part);
      }
    }
    others.forEach(this::execute);
  }

  private void execute(Runnable task) {
    tasks.add(task);
    if (workers.tryEnter()) {
      try {
        threads.execute(this::work);
      } catch (RejectedExecutionException | OutOfMemoryError noThread) {
        work(); // a client must not wait for ever
      }
    }
  }

  /** Runs the tasks that are due; as few threads do so as there are tasks at a time. */
  private void work() {
    do {
      for (Runnable task = tasks.poll(); task != null; task = tasks.poll()) {
        task.run();
      }
      workers.leave();
    } while (!tasks.isEmpty() && workers.tryEnter());
  }

  /** Ends all waiting: the messages that wait are refused, and so are later ones. */
  @Override
  public void close() {
    synchronized (this) {
      closed = true;
    }
    loop.close();
    List<Runnable> rest = new ArrayList<>();
    synchronized (this) {
      byPart.values().forEach(waiting -> waiting.forEach(m -> rest.add(released(m))));
      byPart.clear();
    }
    rest.forEach(Runnable::run);
    threads.shutdown();
  }
}
