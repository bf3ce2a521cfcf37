// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.storage;

import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * What the configuration says about stores.
 *
 * @param defaultBackend backend of a store that is opened for the first time
 * @param required backends that stores must be in, by name
 * @param discarded names of the stores whose lost content is given up; {@value #ALL} stands for all
 */
record Settings(String defaultBackend, Map<String, String> required, Set<String> discarded) {
  /** Stands for the names of all stores. */
  static final String ALL = "*";

  /** Returns the backend that a store must be in; null when the choice alone decides. */
  @Nullable String required(String name) {
    return required.get(name);
  }

  /** Returns whether the lost content of a store is given up. */
  boolean isDiscarded(String name) {
    return discarded.contains(ALL) || discarded.contains(name);
  }

  /** Returns the backend of a new store. */
  String initial(String name) {
    return required.getOrDefault(name, defaultBackend);
  }
}
