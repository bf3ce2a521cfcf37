// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.storage;

import dev.patchbay.api.storage.StorageBackend;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.concurrent.CopyOnWriteArrayList;
import org.jspecify.annotations.Nullable;

/**
 * The installed backends. A backend is identified by its id and the symbolic name of its bundle;
 * the order of arrival decides only between registrations that have both in common.
 *
 * <p>Threading: any thread.
 */
final class Backends {
  private final List<Installed> installed = new CopyOnWriteArrayList<>();

  /**
   * A backend that is registered.
   *
   * @param backend the service
   * @param bundle the symbolic name of its bundle
   */
  record Installed(StorageBackend backend, String bundle) {
    String id() {
      return backend.id();
    }

    @Override
    public String toString() {
      return describe(id(), bundle);
    }
  }

  /** Returns how messages name a backend; {@code bundle} is null when none is chosen. */
  static String describe(String id, @Nullable String bundle) {
    return "'" + id + "'" + (bundle == null ? "" : " of bundle " + bundle);
  }

  void add(StorageBackend backend, String bundle) {
    installed.add(new Installed(backend, bundle));
  }

  void remove(StorageBackend backend) {
    installed.removeIf(known -> known.backend() == backend);
  }

  boolean contains(StorageBackend backend) {
    return installed.stream().anyMatch(known -> known.backend() == backend);
  }

  /**
   * Returns a backend; null when it is not installed.
   *
   * @param bundle the symbolic name of its bundle; when null, the only bundle that provides the id,
   *     and null is returned when several do
   */
  @Nullable Installed find(String id, @Nullable String bundle) {
    List<Installed> found =
        list().stream()
            .filter(known -> known.id().equals(id))
            .filter(known -> bundle == null || bundle.equals(known.bundle()))
            .toList();
    return found.size() == 1 ? found.get(0) : null;
  }

  /**
   * Returns a backend that a command names.
   *
   * @param bundle the symbolic name of its bundle; null when only one bundle provides the id
   * @throws IllegalArgumentException when it is not installed, or several bundles provide the id
   *     and none is named
   */
  Installed require(String id, @Nullable String bundle) {
    Installed found = find(id, bundle);
    if (found != null) {
      return found;
    }
    List<String> bundles = bundles(id);
    if (bundle == null && bundles.size() > 1) {
      throw new IllegalArgumentException(
          "the backend '"
              + id
              + "' is provided by several bundles: "
              + String.join(", ", bundles)
              + "; name one of them with --bundle");
    }
    throw new IllegalArgumentException(
        "there is no backend "
            + describe(id, bundle)
            + "; installed are "
            + (bundles.isEmpty() ? ids() : describe(id, String.join(", ", bundles))));
  }

  /** Returns why a backend that is chosen is not found, and what to do. */
  String missing(String store, String id, @Nullable String bundle) {
    List<String> bundles = bundles(id);
    String command = "storage:use --store " + store;
    if (bundle == null && bundles.size() > 1) {
      return "the chosen backend '"
          + id
          + "' is provided by several bundles: "
          + String.join(", ", bundles)
          + "; choose one with "
          + command;
    }
    return "the chosen backend "
        + describe(id, bundle)
        + " is not installed"
        + (bundle == null ? "" : "; start or install this bundle")
        + (bundles.isEmpty()
            ? ""
            : ", or choose another one with " + command + ": " + String.join(", ", bundles));
  }

  /** Returns the symbolic names of the bundles that provide an id, in order. */
  private List<String> bundles(String id) {
    return list().stream().filter(known -> known.id().equals(id)).map(Installed::bundle).toList();
  }

  private Set<String> ids() {
    Set<String> ids = new TreeSet<>();
    installed.forEach(known -> ids.add(known.id()));
    return ids;
  }

  /** Returns the backends by id and bundle, each once. */
  List<Installed> list() {
    Map<String, Installed> first = new LinkedHashMap<>();
    installed.forEach(known -> first.putIfAbsent(known.toString(), known));
    return first.values().stream()
        .sorted(Comparator.comparing(Installed::id).thenComparing(Installed::bundle))
        .toList();
  }
}
