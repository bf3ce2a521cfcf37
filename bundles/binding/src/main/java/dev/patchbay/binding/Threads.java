// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.binding;

import java.security.AccessController;
import java.security.PrivilegedAction;
import java.time.Duration;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ThreadFactory;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.BiFunction;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/**
 * Creates the threads of bundles. A thread of {@code new Thread} keeps what it inherits from the
 * thread that creates it while it lives: the class loaders of all bundles on the stack, in its
 * access control context, the context class loader, the inheritable thread locals. The old classes
 * of a bundle that has been updated then stay in memory. The threads of this class inherit none of
 * these. They are daemon threads of normal priority without a context class loader.
 *
 * <p>Threading: any thread.
 */
public final class Threads {
  private Threads() {}

  /**
   * Creates a thread that is not started.
   *
   * @param name {@code <bundle>-<role>-<number>}
   */
  public static Thread create(Runnable body, String name) {
    ThreadGroup top = topGroup();
    return create(() -> new Thread(top, body, name, 0, false));
  }

  /**
   * Creates a thread of another class than {@link Thread}, which is not started.
   *
   * @param constructor creates the thread; passes {@code false} for {@code
   *     inheritInheritableThreadLocals}
   */
  public static <T extends Thread> T create(Supplier<T> constructor) {
    T thread = withoutCallers(constructor);
    thread.setContextClassLoader(null);
    thread.setDaemon(true);
    thread.setPriority(Thread.NORM_PRIORITY);
    return thread;
  }

  /**
   * Returns a factory of threads.
   *
   * @param role {@code <bundle>-<role>}; a hyphen and the number of the thread, from 0, follow
   */
  public static ThreadFactory factory(String role) {
    return numbered(role, Threads::create);
  }

  /**
   * Returns a factory of threads of another class than {@link Thread}.
   *
   * @param role as of {@link #factory(String)}
   * @param constructor creates a thread with a body and a name, as of {@link #create(Supplier)}
   */
  public static ThreadFactory factory(
      String role, BiFunction<Runnable, String, ? extends Thread> constructor) {
    return numbered(role, (body, name) -> create(() -> constructor.apply(body, name)));
  }

  private static ThreadFactory numbered(String role, BiFunction<Runnable, String, Thread> creator) {
    AtomicInteger number = new AtomicInteger();
    return body -> creator.apply(body, role + "-" + number.getAndIncrement());
  }

  /**
   * Does what {@link CompletableFuture#orTimeout} does. The JDK creates one thread for the time
   * limits of all futures at the first call, which lives as long as the process: here it inherits
   * no class loader of the caller.
   */
  public static <T extends @Nullable Object> CompletableFuture<T> orTimeout(
      CompletableFuture<T> future, Duration limit) {
    return withoutCallers(() -> future.orTimeout(limit.toNanos(), TimeUnit.NANOSECONDS));
  }

  /** Takes an action whose threads inherit the domains of this class and of its own frames only. */
  @SuppressWarnings("removal") // as long as threads inherit the context, only this keeps it out
  private static <T> T withoutCallers(Supplier<T> action) {
    PrivilegedAction<T> privileged = action::get;
    return AccessController.doPrivileged(privileged);
  }

  /** Returns the group that is never destroyed, and is of no bundle. */
  private static ThreadGroup topGroup() {
    ThreadGroup group = Thread.currentThread().getThreadGroup();
    while (group.getParent() != null) {
      group = group.getParent();
    }
    return group;
  }
}
