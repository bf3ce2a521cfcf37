// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.storage;

import java.util.Map;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;

/**
 * Which stores this process has had open. It outlives the bundle: after an update of the bundle, or
 * of an owner, the store must be the same one.
 *
 * <p>Threading: any thread.
 */
final class ProcessMemory {
  private static final String PREFIX = "dev.patchbay.storage.opened.";

  private final Map<Object, Object> properties;

  /** Names of stores. */
  private final Set<String> openHere = ConcurrentHashMap.newKeySet();

  /**
   * Creates a memory.
   *
   * @param properties last as long as the process, and may be used by any thread, as those of the
   *     system
   */
  ProcessMemory(Map<Object, Object> properties) {
    this.properties = properties;
  }

  /** Returns whether a store was open in this process. */
  boolean wasOpen(String name) {
    return properties.containsKey(PREFIX + name);
  }

  /** Returns whether a store was open since this memory was created, not with a predecessor. */
  boolean wasOpenHere(String name) {
    return openHere.contains(name);
  }

  /** Takes note that a store is open. */
  void opened(String name) {
    openHere.add(name);
    properties.put(PREFIX + name, "true");
  }
}
