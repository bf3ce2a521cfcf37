// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.binding;

import static org.assertj.core.api.Assertions.assertThat;

import java.lang.ref.ReferenceQueue;
import java.lang.ref.WeakReference;
import java.net.URL;
import java.net.URLClassLoader;
import java.time.Duration;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ThreadFactory;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.atomic.AtomicReference;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** Threads that inherit nothing of the thread that creates them. */
@Timeout(60)
class ThreadsTest {
  private final CountDownLatch end = new CountDownLatch(1);
  private final CountDownLatch begun = new CountDownLatch(1);
  private final AtomicReference<Object> inherited = new AtomicReference<>();
  private final ReferenceQueue<ClassLoader> collected = new ReferenceQueue<>();
  private final InheritableThreadLocal<Object> local = new InheritableThreadLocal<>();

  @AfterEach
  void endThreads() {
    end.countDown();
  }

  /** A class of a bundle that calls, and whose class loader is dropped. */
  public static final class Caller implements Runnable {
    private final Runnable callee;

    /** Creates a caller. */
    public Caller(Runnable callee) {
      this.callee = callee;
    }

    @Override
    public void run() {
      callee.run();
    }
  }

  /** Defines the class of the caller itself, with a protection domain that refers to it. */
  private static final class CallerLoader extends URLClassLoader {
    CallerLoader() {
      super(
          new URL[] {Caller.class.getProtectionDomain().getCodeSource().getLocation()},
          Caller.class.getClassLoader());
    }

    @Override
    protected Class<?> loadClass(String name, boolean resolve) throws ClassNotFoundException {
      return name.equals(Caller.class.getName()) ? findClass(name) : super.loadClass(name, resolve);
    }
  }

  /** A thread of a class of its own. */
  private static final class OwnThread extends Thread {
    OwnThread(Runnable body) {
      super(null, body, "own", 0, false);
    }
  }

  private interface Creation {
    Thread create(Runnable body);
  }

  static Stream<Creation> creations() {
    ThreadFactory factory = Threads.factory("test");
    return Stream.of(
        body -> Threads.create(body, "test"),
        body -> Threads.create(() -> new OwnThread(body)),
        factory::newThread);
  }

  private void live() {
    try {
      inherited.set(local.get());
      begun.countDown();
      end.await();
    } catch (InterruptedException interrupted) {
      throw new IllegalStateException(interrupted);
    }
  }

  /** Calls from a class of a class loader of its own. */
  private WeakReference<ClassLoader> call(CallerLoader loader, Runnable callee) throws Exception {
    Class<?> type = loader.loadClass(Caller.class.getName());
    assertThat(type.getClassLoader()).isSameAs(loader);
    Runnable caller = (Runnable) type.getConstructor(Runnable.class).newInstance(callee);
    caller.run();
    return new WeakReference<>(loader, collected);
  }

  private WeakReference<ClassLoader> start(Creation creation, AtomicReference<Thread> created)
      throws Exception {
    ClassLoader before = Thread.currentThread().getContextClassLoader();
    CallerLoader loader = new CallerLoader();
    Thread.currentThread().setContextClassLoader(loader);
    local.set(loader);
    try {
      return call(
          loader,
          () -> {
            Thread thread = creation.create(this::live);
            created.set(thread);
            thread.start();
          });
    } finally {
      Thread.currentThread().setContextClassLoader(before);
      local.remove();
    }
  }

  /** Collects until a class loader is collected; ends with the time limit of the test. */
  private void awaitCollection(WeakReference<ClassLoader> loader) throws Exception {
    do {
      System.gc();
    } while (collected.remove(10) != loader);
  }

  @ParameterizedTest
  @MethodSource("creations")
  void aThreadDoesNotKeepTheClassesOfItsCreator(Creation creation) throws Exception {
    AtomicReference<Thread> created = new AtomicReference<>();
    WeakReference<ClassLoader> loader = start(creation, created);
    begun.await();
    awaitCollection(loader);
    assertThat(created.get().isAlive()).isTrue();
    assertThat(inherited.get()).as("the inheritable thread local").isNull();
  }

  @Test
  void aThreadHasPropertiesOfItsOwn() throws Exception {
    ThreadGroup group = new ThreadGroup("of the creator");
    AtomicReference<Thread> created = new AtomicReference<>();
    Thread creator =
        new Thread(group, () -> created.set(Threads.create(() -> {}, "binding-test-0")));
    creator.setDaemon(false);
    creator.setPriority(Thread.MIN_PRIORITY);
    creator.setContextClassLoader(new URLClassLoader(new URL[0]));
    creator.start();
    creator.join();
    Thread thread = created.get();
    assertThat(thread.getState()).isEqualTo(Thread.State.NEW);
    assertThat(thread.getName()).isEqualTo("binding-test-0");
    assertThat(thread.isDaemon()).isTrue();
    assertThat(thread.getPriority()).isEqualTo(Thread.NORM_PRIORITY);
    assertThat(thread.getContextClassLoader()).isNull();
    assertThat(thread.getThreadGroup().getParent()).isNull();
  }

  @Test
  void theThreadForTimeLimitsDoesNotKeepTheClassesOfTheFirstCaller() throws Exception {
    CompletableFuture<String> future = new CompletableFuture<>();
    WeakReference<ClassLoader> loader =
        call(new CallerLoader(), () -> Threads.orTimeout(future, Duration.ofHours(1)));
    awaitCollection(loader);
    assertThat(Thread.getAllStackTraces().keySet())
        .extracting(Thread::getName)
        .contains("CompletableFutureDelayScheduler");
    assertThat(future.complete("in time")).isTrue();
    assertThat(Threads.orTimeout(new CompletableFuture<>(), Duration.ofMillis(1)))
        .failsWithin(Duration.ofSeconds(30))
        .withThrowableThat()
        .withCauseInstanceOf(TimeoutException.class);
  }

  @Test
  void aFactoryNumbersItsThreads() {
    ThreadFactory factory = Threads.factory("binding-test");
    assertThat(Stream.generate(() -> factory.newThread(() -> {})).limit(3))
        .extracting(Thread::getName)
        .containsExactly("binding-test-0", "binding-test-1", "binding-test-2");
  }
}
