// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.storage;

import dev.patchbay.api.storage.StorageException;
import dev.patchbay.api.storage.StoreListener;
import dev.patchbay.binding.Failures;
import dev.patchbay.binding.Loop;
import java.util.Queue;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * What a named store does about its failures: the open store is watched, closed when it has failed,
 * and opened again by a {@link Loop}. The same failure is logged once a minute at most, and each
 * hour while it lasts.
 *
 * <p>Threading: {@link #watch}, {@link #closeFailed} and {@link #millisLeft} with the monitor of
 * the named store held; other methods from any thread.
 */
final class Recovery implements AutoCloseable {
  private static final Logger LOG = LoggerFactory.getLogger(Recovery.class);

  private final Loop loop;
  private final Failures failures;
  private final Backoff backoff = new Backoff(System::nanoTime);

  /** Stores that have failed, and are not closed yet. */
  private final Queue<Failed> failed = new ConcurrentLinkedQueue<>();

  /** What a call found damaged since the store was bound; null when nothing was. */
  private volatile @Nullable String damage;

  private record Failed(OpenStore store, String reason) {}

  /**
   * Creates a recovery that is not started.
   *
   * @param step closes what has failed, and opens the store when that is due
   */
  Recovery(String name, Loop.Step step) {
    failures = new Failures("store " + name, Recovery::log, LOG::info);
    loop =
        new Loop(
            "storage-reopen-" + name,
            new Failures("opening store " + name, Recovery::log, LOG::info),
            step);
  }

  private static void log(String message, Throwable failure) {
    LOG.error(message, failure instanceof StorageException ? null : failure);
  }

  void start() {
    loop.start();
  }

  /** Has the step run soon. */
  void wake() {
    loop.wake();
  }

  /** Ends the loop, and waits for it. */
  @Override
  public void close() {
    loop.close();
  }

  /**
   * Watches a store that is bound now.
   *
   * @param unbind unbinds the store at once, for the reason that it gets
   */
  void watch(OpenStore open, Consumer<String> unbind) {
    damage = null;
    backoff.opened();
    open.store()
        .setListener(
            new StoreListener() {
              @Override
              public void failed(String reason) {
                failed.add(new Failed(open, reason)); // first: whoever ends the store closes it
                unbind.accept(reason);
                loop.wake();
              }

              @Override
              public void damaged(String reason) {
                damage = reason;
                failures.failed(new StorageException(reason));
              }
            });
  }

  /**
   * Closes the stores that have failed; returns whether there was one.
   *
   * @param beforeClose is called before each
   */
  boolean closeFailed(Runnable beforeClose) {
    boolean any = false;
    for (Failed next = failed.poll(); next != null; next = failed.poll()) {
      any = true;
      failures.failed(new StorageException(next.reason()));
      backoff.failed();
      beforeClose.run();
      next.store().close();
    }
    return any;
  }

  /** Returns for how many milliseconds a store that has failed is not opened. */
  long millisLeft() {
    return backoff.millisLeft();
  }

  /** Returns what a call found damaged since the store was bound; null when nothing was. */
  @Nullable String damage() {
    return damage;
  }
}
