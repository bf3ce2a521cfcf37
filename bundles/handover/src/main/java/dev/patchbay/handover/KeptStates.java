// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.handover;

import dev.patchbay.api.node.Handover;
import dev.patchbay.binding.Failures;
import dev.patchbay.binding.Loop;
import java.time.Duration;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.function.LongSupplier;
import org.jspecify.annotations.Nullable;
import org.osgi.service.component.annotations.Activate;
import org.osgi.service.component.annotations.Component;
import org.osgi.service.component.annotations.Deactivate;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Keeps the states that parts hand over to their successors, each for a limited time.
 *
 * <p>Threading: any thread. No lock is held while a state is ended.
 */
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

  /** Whether states are dropped at once; guarded by this. */
  private boolean closed;

  private record Kept(String name, Object state, long until, Runnable ifDropped) {
    /** Ends the state. The caller holds no lock: what is called is of another bundle. */
    void drop() {
      try {
        ifDropped.run();
      } catch (Throwable failure) { // other states have to end as well
        LOG.warn("dropping the state {} failed: {}", name, failure.toString());
      }
    }
  }

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

  /** Drops all states, and those that are put from now on. */
  @Deactivate
  void close() {
    loop.close();
    List<Kept> dropped;
    synchronized (this) {
      closed = true;
      dropped = List.copyOf(states.values());
      states.clear();
    }
    dropped.forEach(Kept::drop);
  }

  @Override
  public void put(String name, Object state) {
    put(name, state, () -> {});
  }

  @Override
  public void put(String name, Object state, Runnable ifDropped) {
    Kept kept = new Kept(name, state, clock.getAsLong() + LIFE.toNanos(), ifDropped);
    Kept dropped;
    synchronized (this) {
      dropped = closed ? kept : states.put(name, kept);
    }
    loop.wake();
    if (dropped != null) {
      dropped.drop();
    }
  }

  @Override
  public @Nullable Object take(String name) {
    Kept kept;
    synchronized (this) {
      kept = states.remove(name);
    }
    if (kept != null && kept.until - clock.getAsLong() <= 0) {
      kept.drop();
      return null;
    }
    return kept == null ? null : kept.state;
  }

  /**
   * Drops the states that are too old; returns after how many milliseconds the next one will be.
   */
  long expire() {
    List<Kept> dropped;
    long next;
    synchronized (this) {
      long now = clock.getAsLong();
      dropped = states.values().stream().filter(kept -> kept.until - now <= 0).toList();
      dropped.forEach(kept -> states.remove(kept.name));
      next =
          states.values().stream()
              .mapToLong(kept -> TimeUnit.NANOSECONDS.toMillis(kept.until - now) + 1)
              .min()
              .orElse(Loop.UNTIL_WOKEN);
    }
    dropped.forEach(Kept::drop);
    return next;
  }

  /** Returns the number of states that are kept. */
  synchronized int count() {
    return states.size();
  }
}
