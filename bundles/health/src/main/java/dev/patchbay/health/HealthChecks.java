// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.health;

import dev.patchbay.api.node.Health;
import dev.patchbay.api.node.HealthCheck;
import dev.patchbay.binding.Threads;
import dev.patchbay.health.Snapshot.CheckState;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.ConcurrentSkipListMap;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.Consumer;
import java.util.function.LongSupplier;
import org.jspecify.annotations.Nullable;
import org.osgi.framework.Bundle;
import org.osgi.framework.ServiceReference;

/**
 * The registered health checks. They are asked one after the other in a thread that ends with the
 * question; a check that takes long keeps its thread, and another thread asks the rest. While a
 * check does not answer it is not asked again: it keeps one thread at most.
 *
 * <p>Threading: any thread. A call of a check is not interrupted: an interrupt would close the
 * files of a store.
 */
final class HealthChecks {
  private static final Duration LIMIT = Duration.ofSeconds(1);

  /** From then on no answer is expected; before, a busy machine may be the reason. */
  private static final long FAILED_NANOS = 10_000_000_000L;

  private final long limitNanos;
  private final LongSupplier clock;
  private final AtomicLong threads = new AtomicLong();

  /** By the id of the registration, which does not change as the ranking may. */
  private final Map<Long, Registered> checks = new ConcurrentSkipListMap<>();

  /** Held while checks are asked: a report is of calls that began after it was asked for. */
  private final Object asking = new Object();

  private volatile boolean closed;

  /** A registered check. */
  private static final class Registered {
    final ServiceReference<HealthCheck> reference;
    final HealthCheck check;
    final String bundle;

    /** The latest call; guarded by {@link HealthChecks#asking}. */
    @Nullable Call latest;

    /** The name of the part, once it is known. */
    volatile String name;

    Registered(ServiceReference<HealthCheck> reference, HealthCheck check) {
      this.reference = reference;
      this.check = check;
      Bundle provider = reference.getBundle(); // null when it was unregistered meanwhile
      bundle =
          provider == null
              ? "an unknown bundle"
              : "bundle " + provider.getSymbolicName() + " (" + provider.getBundleId() + ")";
      name = check.getClass().getName();
    }

    int ranking() {
      return reference.getProperty("service.ranking") instanceof Integer ranking ? ranking : 0;
    }
  }

  /** A check and its ranking at one moment. */
  private record Ranked(int ranking, Registered registered) {}

  /** One call of a check. */
  private final class Call {
    private final Registered registered;
    private final long start = clock.getAsLong();
    private final CountDownLatch answered = new CountDownLatch(1);
    private volatile @Nullable CheckState answer;

    /** Whether a later report has found it under way; guarded by {@link HealthChecks#asking}. */
    private boolean foundUnderWay;

    Call(Registered registered) {
      this.registered = registered;
    }

    void run() {
      try {
        answer = ask(registered.check, name -> registered.name = name);
      } finally {
        answered.countDown();
      }
    }

    boolean isUnderWay() {
      return answered.getCount() > 0;
    }

    /** Returns the answer, or that there is none; waits for it until the limit at most. */
    CheckState state() {
      awaitUninterruptibly(answered, start + limitNanos - clock.getAsLong());
      CheckState known = answer;
      if (known != null) {
        return known;
      }
      String silent = "the health check of " + registered.bundle + " does not answer";
      return new CheckState(
          registered.name,
          // in the report that began the call, the machine may have stood still
          foundUnderWay && clock.getAsLong() - start >= FAILED_NANOS
              ? Health.failed(silent + "; restart or uninstall the bundle")
              : Health.unavailable(silent),
          Set.of());
    }
  }

  /** A thread that makes calls. */
  private static final class Worker {
    private final BlockingQueue<Runnable> calls = new LinkedBlockingQueue<>();
    private boolean ended;

    Worker(long number) {
      Threads.create(this::work, "health-check-" + number).start();
    }

    private void work() {
      while (!ended) {
        try {
          calls.take().run();
        } catch (Throwable failure) { // say, a check has interrupted its thread: the next is asked
          continue;
        }
      }
    }

    void make(Call call) {
      calls.add(call::run);
    }

    /** Ends the thread after its call. */
    void end() {
      calls.add(() -> ended = true);
    }
  }

  /** Creates an instance without checks. */
  HealthChecks() {
    this(LIMIT, System::nanoTime);
  }

  /**
   * Creates an instance without checks.
   *
   * @param limit how long an answer is waited for
   * @param clock nanoseconds as of {@link System#nanoTime}
   */
  HealthChecks(Duration limit, LongSupplier clock) {
    limitNanos = limit.toNanos();
    this.clock = clock;
  }

  void add(ServiceReference<HealthCheck> reference, HealthCheck check) {
    checks.put(id(reference), new Registered(reference, check));
  }

  void remove(ServiceReference<HealthCheck> reference, HealthCheck check) {
    checks.computeIfPresent(id(reference), (id, known) -> known.check == check ? null : known);
  }

  private static long id(ServiceReference<HealthCheck> reference) {
    return reference.getProperty("service.id") instanceof Long id ? id : 0;
  }

  /** Asks no check any more; a thread whose call does not return ends when it does. */
  void close() {
    closed = true;
  }

  /** Asks all checks, the preferred one first where several have one name. */
  List<CheckState> ask() {
    synchronized (asking) {
      List<Call> calls = new ArrayList<>();
      Worker worker = null;
      try {
        for (Registered registered : preferredFirst()) {
          Call call = registered.latest;
          if (call == null || !call.isUnderWay()) {
            call = new Call(registered);
            registered.latest = call;
            worker = make(call, worker);
          } else {
            call.foundUnderWay = true;
          }
          calls.add(call);
        }
      } finally {
        if (worker != null) {
          worker.end();
        }
      }
      return calls.stream().map(Call::state).toList();
    }
  }

  /** Makes a call; returns the worker that is free afterwards, null for none. */
  private @Nullable Worker make(Call call, @Nullable Worker free) {
    Worker worker = free;
    try {
      if (worker == null) {
        worker = new Worker(threads.getAndIncrement());
      }
    } catch (OutOfMemoryError noThread) {
      call.run(); // the health of a node without threads is asked for, too
      return null;
    }
    worker.make(call);
    if (awaitUninterruptibly(call.answered, limitNanos / 10)) {
      return worker;
    }
    worker.end();
    return null;
  }

  private List<Registered> preferredFirst() {
    if (closed) {
      return List.of();
    }
    return checks.values().stream() // in the order of their ids
        .map(registered -> new Ranked(registered.ranking(), registered))
        .sorted(Comparator.comparing(Ranked::ranking).reversed())
        .map(Ranked::registered)
        .toList();
  }

  private static boolean awaitUninterruptibly(CountDownLatch latch, long nanos) {
    boolean interrupted = false;
    long end = System.nanoTime() + nanos;
    try {
      while (true) {
        try {
          return latch.await(end - System.nanoTime(), TimeUnit.NANOSECONDS);
        } catch (InterruptedException again) {
          interrupted = true;
        }
      }
    } finally {
      if (interrupted) {
        Thread.currentThread().interrupt();
      }
    }
  }

  /** Asks a check. A check that throws, or returns null, counts as failed. */
  static CheckState ask(HealthCheck check) {
    return ask(check, name -> {});
  }

  private static CheckState ask(HealthCheck check, Consumer<String> named) {
    String name = check.getClass().getName();
    try {
      name = String.valueOf(check.name());
      named.accept(name);
      Health health = check.check();
      return health == null
          ? new CheckState(name, Health.failed("the health check returns null"), Set.of())
          : new CheckState(name, health, Set.copyOf(check.dependencies()));
    } catch (Throwable broken) { // of any bundle: the others are asked nevertheless
      return new CheckState(name, Health.failed("the health check failed: " + broken), Set.of());
    }
  }
}
