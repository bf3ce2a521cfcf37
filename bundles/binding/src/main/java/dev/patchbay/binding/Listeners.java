// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.binding;

import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.BiConsumer;
import java.util.function.Consumer;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/**
 * Listeners of events, which may be of third parties. A listener that throws anything, also an
 * {@link Error}, stops neither the other listeners nor the caller.
 *
 * <p>Threading: any thread. {@link #forEach} calls the listeners in the order in which they were
 * added, in the thread of its caller.
 *
 * @param <T> the type of the listeners
 */
public final class Listeners<T> {
  private final List<Entry<T>> entries = new CopyOnWriteArrayList<>();
  private final BiConsumer<String, Throwable> warn;
  private final Consumer<String> info;

  private record Entry<T>(T listener, Failures failures) {}

  /**
   * Creates an empty list.
   *
   * @param warn logs a message and a failure
   * @param info logs that a listener succeeds again
   */
  public Listeners(BiConsumer<String, Throwable> warn, Consumer<String> info) {
    this.warn = warn;
    this.info = info;
  }

  /** Adds a listener. */
  public void add(T listener) {
    add(listener, ignored -> {});
  }

  /** Adds a listener and calls it once. Does not throw. */
  public void add(T listener, Consumer<T> call) {
    String name = "listener " + listener.getClass().getName();
    Entry<T> entry = new Entry<>(listener, new Failures(name, warn, info));
    entries.add(entry);
    entry.failures.run(() -> call.accept(listener));
  }

  /** Removes a listener, compared by identity. */
  public void remove(T listener) {
    entries.removeIf(entry -> entry.listener == listener);
  }

  /** Calls each listener. Does not throw. */
  public void forEach(Consumer<T> call) {
    for (Entry<T> entry : entries) {
      entry.failures.run(() -> call.accept(entry.listener));
    }
  }

  /**
   * Calls each listener until one answers. Does not throw.
   *
   * @param <R> the type of an answer
   * @param ifFailed the answer of a listener that throws
   * @return the first answer that is not null; null when there is none
   */
  public <R> @Nullable R firstAnswer(Function<T, @Nullable R> call, R ifFailed) {
    for (Entry<T> entry : entries) {
      AtomicReference<@Nullable R> answer = new AtomicReference<>(ifFailed);
      entry.failures.run(() -> answer.set(call.apply(entry.listener)));
      if (answer.get() != null) {
        return answer.get();
      }
    }
    return null;
  }

  /**
   * Returns the name and the latest failure of a listener whose latest call failed; null when there
   * is none.
   */
  public @Nullable String failure() {
    for (Entry<T> entry : entries) {
      String failure = entry.failures.latest();
      if (failure != null) {
        return entry.listener.getClass().getName() + ": " + failure;
      }
    }
    return null;
  }
}
