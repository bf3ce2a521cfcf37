// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.health;

import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;
import java.util.concurrent.ConcurrentHashMap;

/**
 * The bundles that were seen since the node started, by what they are used for: an uninstalled
 * bundle has no manifest that could be asked. Threading: any thread.
 */
final class History {
  /** More entries than these are not kept; a node has about a thousand. */
  private static final int MAX_ENTRIES = 20_000;

  private final Map<String, Set<String>> bundlesByUse = new ConcurrentHashMap<>();
  private final Map<String, String> namesByLocation = new ConcurrentHashMap<>();

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
}
