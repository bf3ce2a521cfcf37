// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.handover;

import dev.patchbay.api.node.Handover;
import dev.patchbay.binding.Failures;
import dev.patchbay.binding.Loop;
import java.time.Duration;
import java.util.HashMap;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.function.LongSupplier;
import org.jspecify.annotations.Nullable;
import org.osgi.service.component.annotations.Activate;
import org.osgi.service.component.annotations.Component;
import org.osgi.service.component.annotations.Deactivate;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Keeps the states that parts hand over to their successors, each for a limited time. */
@Component(
    service = Handover.class,
    immediate = true) // what is kept must not end with its last user
public final class KeptStates implements Handover {
  private static final Logger LOG = LoggerFactory.getLogger(KeptStates.class);
  private static final Duration LIFE = Duration.ofSeconds(30);

  private final LongSupplier clock;
  private final Loop loop;

  /** By name; guarded by this. */
  private final Map<String, Kept> states = new HashMap<>();

  private record Kept(Object state, long until) {}

  /** Creates an empty collection. */
  @Activate
  public KeptStates() {
    this(System::nanoTime);
  }

  /**
   * Creates an empty collection.
   *
   * @param clock nanoseconds as of {@link System#nanoTime}
   */
  KeptStates(LongSupplier clock) {
    this.clock = clock;
    loop =
        new Loop(
            "handover-expiry-0",
            new Failures("dropping states that no part has taken", LOG::warn, LOG::info),
            this::expire);
    loop.start();
  }

  @Deactivate
  void close() {
    loop.close();
  }

  @Override
  public void put(String name, Object state) {
    synchronized (this) {
      states.put(name, new Kept(state, clock.getAsLong() + LIFE.toNanos()));
    }
    loop.wake();
  }

  @Override
  public synchronized @Nullable Object take(String name) {
    Kept kept = states.remove(name);
    return kept == null || kept.until - clock.getAsLong() <= 0 ? null : kept.state;
  }

  /**
   * Drops the states that are too old; returns after how many milliseconds the next one will be.
   */
  synchronized long expire() {
    long now = clock.getAsLong();
    states.values().removeIf(kept -> kept.until - now <= 0);
    return states.values().stream()
        .mapToLong(kept -> TimeUnit.NANOSECONDS.toMillis(kept.until - now) + 1)
        .min()
        .orElse(Loop.UNTIL_WOKEN);
  }

  /** Returns the number of states that are kept. */
  synchronized int count() {
    return states.size();
  }
}
