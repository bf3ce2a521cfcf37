// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.binding;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** Threads and listeners that go on, whatever is thrown. */
@Timeout(60)
class LoopTest {
  private final List<String> log = new CopyOnWriteArrayList<>();

  static Stream<Throwable> failures() {
    return Stream.of(
        new OutOfMemoryError("Java heap space"),
        new StackOverflowError(),
        new NoClassDefFoundError("dev/patchbay/Exchanged"),
        new AssertionError("an assertion"),
        new LinkageError("loader constraint"),
        new IllegalStateException("a state"),
        new java.io.IOException("a disk"),
        new InterruptedException("an interrupt"),
        new NameOnly());
  }

  /** A failure that cannot say what it is. */
  private static final class NameOnly extends Error {
    private static final long serialVersionUID = 1L;

    @Override
    public String getMessage() {
      throw new IllegalStateException("no message");
    }
  }

  private Failures record() {
    return new Failures("the step", (message, failure) -> log.add(message), log::add);
  }

  @SuppressWarnings("unchecked")
  private static <E extends Throwable> void sneak(Throwable failure) throws E {
    throw (E) failure;
  }

  @ParameterizedTest
  @MethodSource("failures")
  void theStepAfterAFailureWorks(Throwable failure) throws Exception {
    BlockingQueue<String> seen = new LinkedBlockingQueue<>();
    CountDownLatch look = new CountDownLatch(1);
    AtomicInteger count = new AtomicInteger();
    Failures failures = record();
    Loop loop =
        new Loop(
            "test-loop-0",
            failures,
            () -> {
              int step = count.incrementAndGet();
              if (step == 2) {
                LoopTest.<RuntimeException>sneak(failure);
              }
              if (step == 3) {
                seen.add(String.valueOf(failures.latest()));
                look.await();
              }
              return step < 4 ? 0 : Loop.UNTIL_WOKEN;
            });
    loop.start();
    assertThat(seen.take()).startsWith(failure.getClass().getSimpleName());
    look.countDown();
    loop.wake();
    while (failures.latest() != null) {
      Thread.onSpinWait();
    }
    loop.close();
    assertThat(log).hasSize(2);
    assertThat(log.get(0)).startsWith("the step failed: " + failure.getClass().getSimpleName());
    assertThat(log.get(1)).isEqualTo("the step succeeds again");
  }

  @Test
  void aLoggerThatFailsEndsNothing() throws Exception {
    Failures failures =
        new Failures(
            "the step",
            (message, failure) -> {
              throw new OutOfMemoryError("no room for a line");
            },
            message -> {
              throw new OutOfMemoryError("no room for a line");
            });
    CountDownLatch third = new CountDownLatch(3);
    try (Loop loop =
        new Loop(
            "test-loop-0",
            failures,
            () -> {
              third.countDown();
              if (third.getCount() > 0) {
                throw new OutOfMemoryError("Java heap space");
              }
              return Loop.UNTIL_WOKEN;
            })) {
      loop.start();
      assertThat(third.await(30, TimeUnit.SECONDS)).isTrue();
    }
  }

  @Test
  void wakingEndsAWait() throws Exception {
    BlockingQueue<Integer> steps = new LinkedBlockingQueue<>();
    AtomicInteger count = new AtomicInteger();
    try (Loop loop =
        new Loop(
            "test-loop-0",
            record(),
            () -> {
              steps.add(count.incrementAndGet());
              return Loop.UNTIL_WOKEN;
            })) {
      loop.start();
      assertThat(steps.take()).isEqualTo(1);
      loop.wake();
      assertThat(steps.take()).isEqualTo(2);
      assertThat(loop.failure()).isNull();
    }
    assertThat(count).as("closing is no step").hasValue(2);
  }

  /** Without a wake, the pauses after as many failures take more than a minute. */
  @Test
  void wakingEndsThePauseAfterFailures() throws Exception {
    int failing = 13;
    CountDownLatch done = new CountDownLatch(failing + 1);
    long start = System.nanoTime();
    try (Loop loop =
        new Loop(
            "test-loop-0",
            record(),
            () -> {
              done.countDown();
              if (done.getCount() > 0) {
                throw new IllegalStateException("the head has a block of this signer");
              }
              return Loop.UNTIL_WOKEN;
            })) {
      loop.start();
      while (!done.await(1, TimeUnit.MILLISECONDS)) {
        loop.wake();
      }
    }
    assertThat(System.nanoTime() - start)
        .as("each pause has a minimum")
        .isGreaterThanOrEqualTo(failing * 100_000_000L);
  }

  /** What happens while a step fails may be what the next one needs. */
  @Test
  void wakingDuringAStepThatFailsEndsThePauseAfterIt() throws Exception {
    CountDownLatch done = new CountDownLatch(14);
    Loop[] own = new Loop[1];
    try (Loop loop =
        new Loop(
            "test-loop-0",
            record(),
            () -> {
              own[0].wake();
              done.countDown();
              throw new IllegalStateException("a state");
            })) {
      own[0] = loop;
      loop.start();
      done.await();
    }
    assertThat(done.getCount()).isZero();
  }

  @Test
  void aFailureThatLastsIsLoggedOnceAnHour() {
    AtomicLong now = new AtomicLong();
    Failures failures = new Failures("it", (m, f) -> log.add(m), log::add, now::get);
    for (int i = 0; i < 100; i++) {
      failures.run(
          () -> {
            throw new IllegalStateException("a");
          });
      failures.run(
          () -> {
            throw new IllegalStateException("b");
          });
    }
    assertThat(log)
        .containsExactly(
            "it failed: IllegalStateException: a", "it failed: IllegalStateException: b");
    now.addAndGet(3_599_000_000_000L);
    failures.failed(new IllegalStateException("a"));
    assertThat(log).hasSize(2);
    now.addAndGet(2_000_000_000L);
    failures.failed(new IllegalStateException("a"));
    assertThat(log).hasSize(3);
    assertThat(failures.latest()).isEqualTo("IllegalStateException: a");
    assertThat(failures.run(() -> {})).isTrue();
    assertThat(failures.latest()).isNull();
  }

  /** The bytes that a disk has left, and the file that is written, are other ones each time. */
  @Test
  void aFailureWhoseNumbersChangeIsLoggedOnceUntilTheWorkSucceeds() {
    AtomicLong now = new AtomicLong();
    Failures failures = new Failures("it", (m, f) -> log.add(m), log::add, now::get);
    for (int i = 1; i < 1_000; i++) {
      failures.failed(new IllegalStateException(full(i)));
      now.addAndGet(3_000_000_000L);
    }
    String first = "it failed: IllegalStateException: " + full(1);
    assertThat(log).containsExactly(first);
    assertThat(failures.latest()).as("the health has the numbers").contains("999 bytes");
    failures.succeeded();
    failures.failed(new IllegalStateException(full(7)));
    assertThat(log)
        .containsExactly(
            first, "it succeeds again", "it failed: IllegalStateException: " + full(7));
  }

  private static String full(int number) {
    String hash = Integer.toHexString(number * 0x1b2c3d4f);
    return number + " bytes are left for /x/rocksdb-" + hash + "/00" + number + ".log of 0x" + hash;
  }

  @Test
  void aFailureThatComesAndGoesIsLoggedOnceAMinute() {
    AtomicLong now = new AtomicLong();
    Failures failures = new Failures("it", (m, f) -> log.add(m), log::add, now::get);
    for (int i = 0; i < 61; i++) {
      failures.failed(new IllegalStateException("a"));
      failures.succeeded();
      now.addAndGet(1_000_000_000L);
    }
    assertThat(log)
        .containsExactly(
            "it failed: IllegalStateException: a",
            "it succeeds again",
            "it failed: IllegalStateException: a",
            "it succeeds again");
  }

  @ParameterizedTest
  @MethodSource("failures")
  void aListenerThatThrowsStopsNoOther(Throwable failure) {
    Listeners<Runnable> listeners = new Listeners<>((m, f) -> log.add(m), log::add);
    List<String> called = new ArrayList<>();
    boolean[] throwing = {true};
    Runnable broken =
        () -> {
          called.add("broken");
          if (throwing[0]) {
            LoopTest.<RuntimeException>sneak(failure);
          }
        };
    listeners.add(broken);
    listeners.add(() -> called.add("other"));
    listeners.forEach(Runnable::run);
    Thread.interrupted(); // of the listener that was interrupted
    assertThat(called).containsExactly("broken", "other");
    assertThat(listeners.failure()).contains(failure.getClass().getSimpleName());
    throwing[0] = false;
    listeners.forEach(Runnable::run);
    assertThat(listeners.failure()).isNull();
    throwing[0] = true;
    listeners.forEach(Runnable::run);
    Thread.interrupted();
    listeners.remove(broken);
    assertThat(listeners.failure()).as("of listeners that are there").isNull();
  }
}
