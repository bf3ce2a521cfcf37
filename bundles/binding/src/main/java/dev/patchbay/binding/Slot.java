// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.binding;

import java.time.Duration;
import java.util.Optional;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicReference;
import org.jspecify.annotations.Nullable;

/**
 * Holds the current binding of a replaceable service and counts the leases on it. A replacement is
 * seen by every lease taken afterwards; leases taken before keep what they have, and {@link
 * #replace} waits for them.
 *
 * <p>Threading: all methods may be called from any thread. {@link #lease()} never blocks. Do not
 * hold a lease while calling {@link #replace} or {@link #release} on the same slot: the wait would
 * be for oneself.
 *
 * @param <T> the type of the service
 */
public final class Slot<T> {
  private final String name;
  private final AtomicReference<@Nullable Binding<T>> current = new AtomicReference<>();

  /** Creates an empty slot; {@code name} says in messages what it holds. */
  public Slot(String name) {
    this.name = name;
  }

  /**
   * Leases the current binding; close the lease when the unit of work ends.
   *
   * @throws NotBoundException when nothing is bound
   */
  public Lease<T> lease() {
    while (true) {
      Binding<T> binding = current.get();
      if (binding == null) {
        throw new NotBoundException(name);
      }
      if (binding.enter()) {
        return new Held<>(binding);
      }
      // the binding was retired between the read and the entry: another one is there, or none
    }
  }

  /** Returns what is bound now, without a lease; empty when nothing is. */
  public Optional<T> peek() {
    Binding<T> binding = current.get();
    return binding == null ? Optional.empty() : Optional.of(binding.service);
  }

  /** Returns the number of open leases on the current binding. */
  public int leases() {
    Binding<T> binding = current.get();
    return binding == null ? 0 : binding.count();
  }

  /**
   * Binds {@code next} for new leases, then waits at most {@code limit} for the leases on the old
   * binding.
   *
   * @return how the wait ended; the new binding is in place in any case
   */
  public DrainResult replace(T next, Duration limit) {
    return retire(current.getAndSet(new Binding<>(next)), limit);
  }

  /**
   * Unbinds {@code gone} if it is what is bound now, compared by identity, then waits at most
   * {@code limit} for its leases. Does nothing when something else is bound.
   */
  public DrainResult release(T gone, Duration limit) {
    Binding<T> binding = current.get();
    if (binding == null || binding.service != gone || !current.compareAndSet(binding, null)) {
      return new DrainResult(0, Duration.ZERO);
    }
    return retire(binding, limit);
  }

  private DrainResult retire(@Nullable Binding<T> old, Duration limit) {
    return old == null ? new DrainResult(0, Duration.ZERO) : old.drain(limit);
  }

  /**
   * A service and its open leases. The count is negative once the binding is retired: -1 - leases.
   */
  private static final class Binding<T> {
    private final T service;
    private final AtomicInteger state = new AtomicInteger();
    private final Object drained = new Object();

    Binding(T service) {
      this.service = service;
    }

    boolean enter() {
      while (true) {
        int count = state.get();
        if (count < 0) {
          return false;
        }
        if (state.compareAndSet(count, count + 1)) {
          return true;
        }
      }
    }

    void leave() {
      while (true) {
        int count = state.get();
        int next = count > 0 ? count - 1 : count + 1;
        if (state.compareAndSet(count, next)) {
          if (next == -1) {
            synchronized (drained) {
              drained.notifyAll();
            }
          }
          return;
        }
      }
    }

    int count() {
      int value = state.get();
      return value >= 0 ? value : -1 - value;
    }

    DrainResult drain(Duration limit) {
      long start = System.nanoTime();
      state.updateAndGet(count -> count >= 0 ? -1 - count : count);
      synchronized (drained) {
        long left = limit.toNanos();
        boolean interrupted = false;
        while (state.get() != -1 && left > 0 && !interrupted) {
          try {
            drained.wait(left / 1_000_000, (int) (left % 1_000_000));
          } catch (InterruptedException stop) {
            interrupted = true;
          }
          left = limit.toNanos() - (System.nanoTime() - start);
        }
        if (interrupted) {
          Thread.currentThread().interrupt();
        }
      }
      return new DrainResult(count(), Duration.ofNanos(System.nanoTime() - start));
    }
  }

  private static final class Held<T> implements Lease<T> {
    private final Binding<T> binding;
    private final AtomicBoolean closed = new AtomicBoolean();

    Held(Binding<T> binding) {
      this.binding = binding;
    }

    @Override
    public T get() {
      return binding.service;
    }

    @Override
    public void close() {
      if (closed.compareAndSet(false, true)) {
        binding.leave();
      }
    }
  }
}
