// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.binding;

import java.lang.reflect.Method;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.function.Consumer;

/**
 * Finds keys of a configuration that its component does not know: a typing error should not pass in
 * silence.
 */
public final class ConfigurationKeys {
  /** Keys that the container adds begin with one of these, or end in {@code .target}. */
  private static final List<String> CONTAINER =
      List.of("service.", "component.", "osgi.ds.", "felix.", "org.apache.karaf.");

  private ConfigurationKeys() {}

  /**
   * Returns the keys that a component property type does not declare, in alphabetical order.
   *
   * @param properties the properties of the component
   * @param type the component property type: an annotation whose method names are the keys, with
   *     {@code _} for a dot
   */
  public static Set<String> unknown(Map<String, ?> properties, Class<?> type) {
    return unknown(properties.keySet(), known(type));
  }

  /**
   * Returns the keys that are neither known nor of the container, in alphabetical order.
   *
   * @param keys the keys of a configuration
   * @param known the keys that its component knows
   */
  public static Set<String> unknown(Set<String> keys, Set<String> known) {
    Set<String> out = new TreeSet<>(keys);
    out.removeIf(key -> key.endsWith(".target") || CONTAINER.stream().anyMatch(key::startsWith));
    out.removeAll(known);
    return out;
  }

  /**
   * Warns of each key that a component property type does not declare.
   *
   * @param name name of the configuration
   * @param properties the properties of the component
   * @param type the component property type
   * @param warn takes a message a key
   */
  public static void report(
      String name, Map<String, ?> properties, Class<?> type, Consumer<String> warn) {
    for (String key : unknown(properties, type)) {
      warn.accept(name + ": unknown key " + key + "; known are " + known(type));
    }
  }

  /** Returns the keys that a component property type declares, in alphabetical order. */
  public static Set<String> known(Class<?> type) {
    Set<String> out = new TreeSet<>();
    for (Method method : type.getDeclaredMethods()) {
      out.add(method.getName().replace('_', '.'));
    }
    return out;
  }
}
