// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.rpc.server;

import dev.patchbay.binding.Failures;
import dev.patchbay.binding.Loop;
import dev.patchbay.binding.Threads;
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
import java.util.function.Consumer;
import java.util.function.LongSupplier;
import java.util.function.Predicate;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Keeps the messages that wait for a part of the node which is being replaced. While they wait they
 * have no thread. Those that wait for a method are resumed when the method is present again. Of
 * those that wait for any other part, one is tried again now and then; when it does not lack the
 * part any more, all that wait for the part are resumed. Messages are also resumed, to be refused,
 * when the part will not be back, or when their time is over.
 *
 * <p>Messages of the consensus client, {@link Message#isOrdered}, are resumed one after the other
 * in the order in which they came, and while any of them waits the later ones wait behind it.
 *
 * <p>Threading: any thread. Messages are resumed in threads of this object.
 */
final class WaitingRequests {
  private static final Logger LOG = LoggerFactory.getLogger(WaitingRequests.class);
  private static final long TRY_EVERY_MILLIS = 10;

  /** As many as expensive calls may wait by default: no resumed one is refused for the others. */
  private static final int MAX_THREADS = 32;

  private static final int KEEP_THREADS_SECONDS = 2;

  private final Replacements replacements;
  private final long limitNanos;
  private final LongSupplier clock;
  private final Predicate<String> isPresent;
  private final Consumer<Message> resume;
  private final ThreadPoolExecutor threads;
  private final Queue<Runnable> tasks = new ConcurrentLinkedQueue<>();
  private final Quota workers = new Quota(MAX_THREADS);
  private final Loop loop;

  /** The messages that wait for each method; guarded by this. */
  private final Map<String, Deque<Message>> byMethod = new HashMap<>();

  /** The messages that wait for each other part, as they are tried; guarded by this. */
  private final Map<String, Deque<Message>> byPart = new LinkedHashMap<>();

  /** The ordered messages that wait, the earliest first; guarded by this. */
  private final Deque<Message> ordered = new ArrayDeque<>();

  /** The ordered message that is resumed now; guarded by this. */
  private @Nullable Message resumed;

  private boolean closed;

  /**
   * Creates an instance without messages.
   *
   * @param replacements what is being replaced
   * @param time how long a message may wait
   * @param clock nanoseconds as of {@link System#nanoTime}
   * @param isPresent returns whether there is a method of this name
   * @param resume answers what of a message is not answered, unless it waits again; throws nothing
   */
  WaitingRequests(
      Replacements replacements,
      Duration time,
      LongSupplier clock,
      Predicate<String> isPresent,
      Consumer<Message> resume) {
    this.replacements = replacements;
    this.limitNanos = time.toNanos();
    this.clock = clock;
    this.isPresent = isPresent;
    this.resume = resume;
    threads =
        new ThreadPoolExecutor(
            0,
            Integer.MAX_VALUE,
            KEEP_THREADS_SECONDS,
            TimeUnit.SECONDS,
            new SynchronousQueue<>(),
            Threads.factory("rpc-waited"));
    loop =
        new Loop(
            "rpc-waiting-0",
            new Failures("trying waiting requests", LOG::warn, LOG::info),
            this::step);
    loop.start();
  }

  /**
   * Keeps a message until a part is back. Returns false when it may not wait: the part will not be
   * back, the time of the message is over, or too many of its listener wait. A message that has
   * waited and is tried again may always wait on until its time is over.
   */
  boolean add(AbsentException absent, Message message) {
    long now = clock.getAsLong();
    if (message.waitUntil(now + limitNanos) - now <= 0 || !replacements.mayReturn()) {
      return false;
    }
    boolean first;
    synchronized (this) {
      if (closed || !message.entersWaiting()) {
        return false;
      }
      message.lacks(absent);
      first = byPart.isEmpty() && byMethod.isEmpty() && ordered.isEmpty();
      if (message == resumed) {
        ordered.addFirst(message);
      } else if (message.isOrdered()) {
        ordered.addLast(message);
      } else {
        (absent.isMethod() ? byMethod : byPart)
            .computeIfAbsent(absent.part(), key -> new ArrayDeque<>())
            .addLast(message);
      }
    }
    if (first) {
      loop.wake();
    }
    return true;
  }

  /** When a message that has just come is answered. */
  enum Turn {
    /** Now: it is not ordered, or no ordered one waits. */
    NOW,
    /** After the ordered messages that wait. */
    LATER,
    /** Never, as too many of its listener wait: it would be made before those that wait. */
    REFUSED
  }

  /** Keeps an ordered message that has come while others wait, to be answered after them. */
  Turn turn(Message message) {
    if (!message.isOrdered()) {
      return Turn.NOW;
    }
    synchronized (this) {
      if (closed || (ordered.isEmpty() && resumed == null)) {
        return Turn.NOW;
      }
      if (!message.entersWaiting()) {
        return Turn.REFUSED;
      }
      message.waitUntil(clock.getAsLong() + limitNanos);
      ordered.addLast(message);
      return Turn.LATER;
    }
  }

  /** Tries waiting messages soon: a part may be back. */
  void wake() {
    loop.wake();
  }

  /** Resumes messages that are due; returns after how many milliseconds the next ones may be. */
  private long step() {
    boolean returns = replacements.mayReturn();
    long now = clock.getAsLong();
    List<Runnable> due = new ArrayList<>();
    Message first = null;
    boolean more;
    synchronized (this) {
      for (Map<String, Deque<Message>> all : List.of(byMethod, byPart)) {
        all.forEach(
            (part, waiting) -> {
              boolean present = all == byMethod && isPresent.test(part);
              waiting.removeIf(
                  message -> {
                    boolean isDue = present || !returns || message.waitUntil(now) - now <= 0;
                    if (isDue) {
                      due.add(() -> resume.accept(message));
                    }
                    return isDue;
                  });
            });
        all.values().removeIf(Deque::isEmpty);
      }
      if (!byPart.isEmpty()) {
        due.add(next());
      }
      Message head = resumed == null ? ordered.peekFirst() : null;
      if (head != null && (!returns || head.waitUntil(now) - now <= 0 || mayGoOn(head))) {
        ordered.removeFirst();
        resumed = head;
        first = head;
      }
      more = !byPart.isEmpty() || !byMethod.isEmpty() || !ordered.isEmpty() || resumed != null;
    }
    if (first != null) {
      startInOrder(first);
    }
    due.forEach(this::execute);
    return more || !due.isEmpty() ? TRY_EVERY_MILLIS : Loop.UNTIL_WOKEN;
  }

  /**
   * Returns whether to try a message: of most parts only an attempt shows whether they are there.
   */
  private boolean mayGoOn(Message message) {
    AbsentException absent = message.lacking();
    return absent == null || !absent.isMethod() || isPresent.test(absent.part());
  }

  /**
   * Resumes ordered messages in a thread of their own: those of the others may all be taken by
   * expensive calls that wait for each other.
   */
  private void startInOrder(Message first) {
    try {
      threads.execute(() -> resumeInOrder(first));
    } catch (RejectedExecutionException | OutOfMemoryError noThread) {
      resumeInOrder(first); // a client must not wait without end
    }
  }

  /** Resumes an ordered message, and then those behind it until one waits again. */
  private void resumeInOrder(Message head) {
    Message next = head;
    while (next != null) {
      try {
        resume.accept(next);
      } catch (Throwable failure) { // those behind must not wait without end
        LOG.error("resuming a request failed: {}", failure.toString(), failure);
      }
      synchronized (this) {
        next = ordered.peekFirst() == next ? null : ordered.pollFirst();
        resumed = next;
      }
    }
  }

  /** Takes a message of the part that was tried least recently. */
  private Runnable next() {
    String part = byPart.keySet().iterator().next();
    Deque<Message> waiting = byPart.remove(part);
    Message message = waiting.removeFirst();
    if (!waiting.isEmpty()) {
      byPart.put(part, waiting); // behind the others
    }
    return () -> attempt(part, message);
  }

  /** Resumes a message, and unless it lacks the same part again all that wait for the part. */
  private void attempt(String part, Message message) {
    resume.accept(message);
    List<Message> others = List.of();
    synchronized (this) {
      if (!message.stillLacks(part)) {
        Deque<Message> waiting = byPart.remove(part);
        others = waiting == null ? List.of() : List.copyOf(waiting);
      }
    }
    others.forEach(other -> execute(() -> resume.accept(other)));
  }

  private void execute(Runnable task) {
    tasks.add(task);
    if (workers.tryEnter()) {
      try {
        threads.execute(this::work);
      } catch (RejectedExecutionException | OutOfMemoryError noThread) {
        work(); // a client must not wait without end
      }
    }
  }

  /** Runs the tasks that are due; as few threads do so as there are tasks at a time. */
  private void work() {
    do {
      try {
        for (Runnable task = tasks.poll(); task != null; task = tasks.poll()) {
          task.run();
        }
      } catch (Throwable failure) { // messages are resumed by this thread alone
        LOG.error("resuming a request failed: {}", failure.toString(), failure);
      }
      workers.leave();
    } while (!tasks.isEmpty() && workers.tryEnter());
  }

  /** Ends all waiting; returns the messages that wait, which are to be refused. */
  List<Message> close() {
    synchronized (this) {
      closed = true;
    }
    loop.close();
    List<Message> rest = new ArrayList<>();
    synchronized (this) {
      byPart.values().forEach(rest::addAll);
      byMethod.values().forEach(rest::addAll);
      rest.addAll(ordered);
      ordered.clear();
      byPart.clear();
      byMethod.clear();
    }
    threads.shutdown();
    return rest;
  }
}
