// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.health;

import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.TimeUnit;
import java.util.function.LongSupplier;

/**
 * The bundles that were seen since the node started, by what they are used for: an uninstalled
 * bundle has no manifest that could be asked. Also since when components are activating, which the
 * container does not tell. Threading: any thread.
 */
final class History {
  /** More entries than these are not kept; a node has about a thousand. */
  private static final int MAX_ENTRIES = 20_000;

  private final Map<String, Set<String>> bundlesByUse = new ConcurrentHashMap<>();
  private final Map<String, String> namesByLocation = new ConcurrentHashMap<>();
  private final Map<String, Long> activatingSince = new ConcurrentHashMap<>();
  private final LongSupplier clock;

  /** Creates an empty history. */
  History() {
    this(System::nanoTime);
  }

  /**
   * Creates an empty history.
   *
   * @param clock nanoseconds as of {@link System#nanoTime}
   */
  History(LongSupplier clock) {
    this.clock = clock;
  }

  /** Takes note of the symbolic name of the bundle of a location. */
  void installed(String location, String bundle) {
    if (namesByLocation.size() < MAX_ENTRIES) {
      namesByLocation.put(location, bundle);
    }
  }

  /**
   * Takes note of a use of a bundle.
   *
   * @param use the class name of a service that it provides, or a PID that it accepts
   */
  void used(String use, String bundle) {
    if (bundlesByUse.size() < MAX_ENTRIES) {
      bundlesByUse.computeIfAbsent(use, any -> ConcurrentHashMap.newKeySet()).add(bundle);
    }
  }

  /** Returns the symbolic name of the bundle that was installed from a location. */
  Optional<String> name(String location) {
    return Optional.ofNullable(namesByLocation.get(location));
  }

  /** Returns the symbolic names of the bundles that had a use, in alphabetical order. */
  Set<String> bundles(String use) {
    return new TreeSet<>(bundlesByUse.getOrDefault(use, Set.of()));
  }

  /** Takes note of the ids of all components that could be active and are not. */
  void activating(Set<String> components) {
    activatingSince.keySet().retainAll(components);
    components.forEach(id -> activatingSince.putIfAbsent(id, clock.getAsLong()));
  }

  /** Returns for how many seconds a component has been seen activating; 0 for one that is not. */
  long activatingSeconds(String component) {
    Long since = activatingSince.get(component);
    return since == null ? 0 : TimeUnit.NANOSECONDS.toSeconds(clock.getAsLong() - since);
  }
}
