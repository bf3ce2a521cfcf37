// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.binding;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * Services of one kind by name (whiteboard pattern). Of several services with one name the one with
 * the highest ranking is in use, the oldest of equal ranking; the others are shadowed. When the
 * service in use is removed, the next one takes its place. Each change of place is reported.
 *
 * <p>Threading: any thread; {@link #get} does not wait.
 *
 * @param <T> the type of the services
 */
public final class NamedServices<T> {
  private static final int MAX_LISTED = 5;

  private final String kind;
  private final Consumer<String> warn;

  /** The services of each name, the one in use first; guarded by this. */
  private final Map<String, List<Entry<T>>> byName = new TreeMap<>();

  private final Map<String, T> inUse = new ConcurrentHashMap<>();

  /**
   * A service registration, as far as it decides what is in use.
   *
   * @param id the property {@code service.id}: a registration has it for itself, and a later one a
   *     higher one
   * @param ranking the property {@code service.ranking}
   * @param symbolicName the symbolic name of the bundle; empty when it is not known
   * @param bundle the bundle, for messages
   */
  public record Registration(long id, int ranking, String symbolicName, String bundle) {
    static final Comparator<Registration> PREFERRED_FIRST =
        Comparator.comparing(Registration::ranking).reversed().thenComparing(Registration::id);

    /** Reads the properties of a service; absent ones are 0. */
    public static Registration of(Map<String, ?> properties) {
      return of(properties, null);
    }

    /**
     * Reads the properties of a service; absent ones are 0.
     *
     * @param symbolicName the symbolic name of its bundle; null when it is not known
     */
    public static Registration of(Map<String, ?> properties, @Nullable String symbolicName) {
      Object number = properties.get("service.bundleid");
      String bundle = number == null ? "of no container" : number.toString();
      return new Registration(
          properties.get("service.id") instanceof Number id ? id.longValue() : 0,
          properties.get("service.ranking") instanceof Integer ranking ? ranking : 0,
          symbolicName == null ? "" : symbolicName,
          "bundle " + (symbolicName == null ? bundle : symbolicName + " (" + bundle + ")"));
    }

    /** Returns whether both are the same registration. */
    boolean isSame(Registration other) {
      return id == other.id;
    }
  }

  private record Entry<T>(Registration registration, T service) {}

  /**
   * Creates an empty collection.
   *
   * @param kind what the services are, as a singular noun in messages
   * @param warn accepts a message for each change of place
   */
  public NamedServices(String kind, Consumer<String> warn) {
    this.kind = kind;
    this.warn = warn;
  }

  /** Adds a service under a name. */
  public void add(Registration registration, String name, T service) {
    addAll(registration, Map.of(name, service));
  }

  /** Adds the services of one registration by name. */
  public synchronized void addAll(Registration registration, Map<String, ? extends T> services) {
    Map<String, Set<String>> shadowed = new TreeMap<>();
    Map<String, Set<String>> replaced = new TreeMap<>();
    services.forEach(
        (name, service) -> {
          List<Entry<T>> entries = byName.computeIfAbsent(name, key -> new ArrayList<>());
          Entry<T> before = entries.isEmpty() ? null : entries.get(0);
          entries.add(new Entry<>(registration, service));
          entries.sort(Comparator.comparing(Entry<T>::registration, Registration.PREFERRED_FIRST));
          inUse.put(name, entries.get(0).service());
          if (before != null) {
            boolean wins = entries.get(0).registration().isSame(registration);
            (wins ? replaced : shadowed)
                .computeIfAbsent(before.registration().bundle(), key -> new TreeSet<>())
                .add(name);
          }
        });
    String bundle = registration.bundle();
    shadowed.forEach(
        (other, names) ->
            warn.accept(list(names) + " of " + bundle + " is shadowed by that of " + other));
    replaced.forEach(
        (other, names) -> warn.accept(list(names) + " of " + bundle + " shadows that of " + other));
  }

  /** Removes the services of one registration; does nothing when there are none. */
  public synchronized void remove(Registration registration) {
    Map<String, Set<String>> next = new TreeMap<>();
    String removed = registration.bundle();
    for (Map.Entry<String, List<Entry<T>>> named : byName.entrySet()) {
      String name = named.getKey();
      List<Entry<T>> entries = named.getValue();
      Registration preferred = entries.get(0).registration();
      boolean used = preferred.isSame(registration);
      entries.removeIf(entry -> entry.registration().isSame(registration));
      if (entries.isEmpty()) {
        inUse.remove(name);
      } else if (used) {
        removed = preferred.bundle(); // the symbolic name may not be known any longer
        inUse.put(name, entries.get(0).service());
        next.computeIfAbsent(entries.get(0).registration().bundle(), key -> new TreeSet<>())
            .add(name);
      }
    }
    byName.values().removeIf(List::isEmpty);
    for (Map.Entry<String, Set<String>> other : next.entrySet()) {
      warn.accept(
          list(other.getValue())
              + " of "
              + removed
              + " is removed; that of "
              + other.getKey()
              + " takes its place");
    }
  }

  private String list(Set<String> names) {
    List<String> first = names.stream().limit(MAX_LISTED).toList();
    int more = names.size() - first.size();
    return kind + " " + String.join(", ", first) + (more > 0 ? " and " + more + " more" : "");
  }

  /** Returns the service in use under a name; null when there is none. */
  public @Nullable T get(String name) {
    return inUse.get(name);
  }

  /** Returns the names that have a service, in order. */
  public Set<String> names() {
    return new TreeSet<>(inUse.keySet());
  }
}
