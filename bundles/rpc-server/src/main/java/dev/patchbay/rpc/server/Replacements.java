// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.rpc.server;

import java.time.Duration;
import java.util.HashMap;
import java.util.Map;
import java.util.function.LongSupplier;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;
import org.osgi.framework.Bundle;
import org.osgi.framework.BundleEvent;
import org.osgi.framework.Constants;
import org.osgi.framework.SynchronousBundleListener;
import org.osgi.framework.startlevel.BundleStartLevel;

/**
 * Answers whether a part of the node that is absent may be back soon, because a bundle is being
 * replaced: it was stopped, but not for good, or it has been started only just now, and its
 * services are not all bound yet. A bundle that was stopped for good is not marked to be started
 * again ({@link BundleStartLevel#isPersistentlyStarted}). When the framework stops, nothing comes
 * back.
 *
 * <p>Threading: any thread.
 */
final class Replacements implements SynchronousBundleListener {
  private static final long NO_BUNDLE = -1;

  private final Supplier<Bundle[]> bundles;
  private final long limitNanos;
  private final LongSupplier clock;

  /** When something last happened to each bundle that is being replaced; guarded by this. */
  private final Map<Long, Replacement> replaced = new HashMap<>();

  private volatile boolean stopping;

  /**
   * A bundle that is being replaced; null for a part that was removed while no bundle was stopping,
   * such as a component that gets a new configuration.
   */
  private record Replacement(@Nullable Bundle bundle, long since) {}

  /**
   * Creates an instance for which nothing is being replaced.
   *
   * @param bundles returns all bundles
   * @param limit how long after the latest event of a bundle its parts may be back
   * @param clock nanoseconds as of {@link System#nanoTime}
   */
  Replacements(Supplier<Bundle[]> bundles, Duration limit, LongSupplier clock) {
    this.bundles = bundles;
    this.limitNanos = limit.toNanos();
    this.clock = clock;
  }

  @Override
  public void bundleChanged(BundleEvent event) {
    Bundle bundle = event.getBundle();
    switch (event.getType()) {
      case BundleEvent.STOPPING, BundleEvent.STOPPED, BundleEvent.STARTED -> note(bundle);
      case BundleEvent.UNINSTALLED -> {
        synchronized (this) {
          replaced.remove(bundle.getBundleId());
        }
      }
      default -> {}
    }
  }

  private synchronized void note(Bundle bundle) {
    long id = bundle.getBundleId();
    if (id == Constants.SYSTEM_BUNDLE_ID) {
      stopping = bundle.getState() == Bundle.STOPPING;
    } else if (!isReplaced(bundle)) {
      replaced.remove(id);
    } else if (bundle.getState() != Bundle.ACTIVE || replaced.containsKey(id)) {
      replaced.put(id, new Replacement(bundle, clock.getAsLong()));
    }
  }

  /** Returns whether a bundle is active, or will be again. */
  private static boolean isReplaced(@Nullable Bundle bundle) {
    if (bundle == null) {
      return true;
    }
    if (bundle.getState() == Bundle.UNINSTALLED) {
      return false;
    }
    BundleStartLevel level = bundle.adapt(BundleStartLevel.class);
    return level != null && level.isPersistentlyStarted();
  }

  /**
   * Notes that a part is absent from now on, and returns whether it may be back soon. It may not
   * when all bundles that are stopping are stopped for good.
   */
  synchronized boolean removed() {
    boolean any = false;
    boolean returns = false;
    for (Bundle bundle : bundles.get()) {
      if (bundle.getState() == Bundle.STOPPING) {
        any = true;
        if (isReplaced(bundle)) {
          returns = true;
          note(bundle);
        }
      }
    }
    if (!any && replaced.isEmpty()) {
      replaced.put(NO_BUNDLE, new Replacement(null, clock.getAsLong()));
    }
    return returns || !any;
  }

  /** Returns whether the framework stops. */
  boolean isStopping() {
    return stopping;
  }

  /** Returns whether an absent part may be back soon. */
  synchronized boolean mayReturn() {
    if (stopping || limitNanos == 0) {
      return false;
    }
    // services may be removed before this object gets the event of the stop
    for (Bundle bundle : bundles.get()) {
      if (bundle.getState() == Bundle.STOPPING) {
        note(bundle);
      }
    }
    long now = clock.getAsLong();
    replaced
        .values()
        .removeIf(
            replacement ->
                now - replacement.since >= limitNanos || !isReplaced(replacement.bundle));
    return !stopping && !replaced.isEmpty();
  }
}
