// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.binding;

import dev.patchbay.binding.NamedServices.Registration;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * The one service of a kind that is in use, identified by its name and by the symbolic name of its
 * bundle. The service stays in use until it is removed, and no other bundle takes its place: {@link
 * #get} returns null until the same bundle registers the name again, or {@link #choose} is called.
 * Ranking and age decide only between several registrations of the chosen name and bundle.
 *
 * <p>The bundle may be open at first: the first {@link #get} chooses it when exactly one bundle
 * provides the name.
 *
 * <p>Threading: any thread; {@link #get} does not wait for more than the other methods.
 *
 * @param <T> the type of the services
 */
public final class ChosenService<T> {
  /** The services that are registered, preferred ones first; guarded by this. */
  private final List<Entry<T>> registered = new ArrayList<>();

  private volatile Choice choice;
  private volatile @Nullable Entry<T> inUse;

  /**
   * What identifies a service across its registrations.
   *
   * @param name the name of the service
   * @param bundle the symbolic name of the bundle; null while no bundle is chosen
   */
  public record Choice(String name, @Nullable String bundle) {
    @Override
    public String toString() {
      return "'" + name + "'" + (bundle == null ? "" : " of bundle " + bundle);
    }
  }

  private record Entry<T>(Registration registration, String name, T service) {
    Choice identity() {
      return new Choice(name, registration.symbolicName());
    }
  }

  /** Creates a collection without services, in which a name is chosen and no bundle. */
  public ChosenService(String name) {
    this.choice = new Choice(name, null);
  }

  /** Adds a service under a name. */
  public synchronized void add(Registration registration, String name, T service) {
    registered.add(new Entry<>(registration, name, service));
    registered.sort(Comparator.comparing(Entry<T>::registration, Registration.PREFERRED_FIRST));
    update();
  }

  /**
   * Removes the service of a registration; does nothing when there is none.
   *
   * @return whether it was in use, and no other registration has its name and bundle
   */
  public synchronized boolean remove(Registration registration) {
    boolean used = inUse != null;
    registered.removeIf(entry -> entry.registration().isSame(registration));
    update();
    return used && inUse == null;
  }

  /** Chooses another service, which need not be registered. */
  public synchronized void choose(Choice next) {
    choice = next;
    update();
  }

  /** Keeps the service in use when it is registered and chosen; looks for the chosen one else. */
  private void update() {
    Entry<T> current = inUse;
    if (current == null || !isChosen(current) || registered.stream().noneMatch(e -> e == current)) {
      inUse = registered.stream().filter(this::isChosen).findFirst().orElse(null);
    }
  }

  private boolean isChosen(Entry<T> entry) {
    return entry.identity().equals(choice);
  }

  /**
   * Returns the service in use; null when the chosen one is not registered. While no bundle is
   * chosen, it is the one of the only bundle that provides the name, and null when several do.
   * Chooses nothing.
   */
  public @Nullable T get() {
    Entry<T> current = inUse;
    if (current == null && choice.bundle() == null) {
      current = only();
    }
    return current == null ? null : current.service();
  }

  private synchronized @Nullable Entry<T> only() {
    if (inUse != null || registered(choice.name()).size() != 1) {
      return inUse;
    }
    String name = choice.name();
    return registered.stream().filter(e -> e.name().equals(name)).findFirst().orElse(null);
  }

  /** Chooses the only bundle that provides the name, when no bundle is chosen and there is one. */
  public synchronized void chooseOnly() {
    Entry<T> only = choice.bundle() == null ? only() : null;
    if (only != null) {
      choose(only.identity());
    }
  }

  /** Returns what is chosen. */
  public Choice choice() {
    return choice;
  }

  /** Returns what is registered under a name, each bundle once, in order. */
  public List<Choice> registered(String name) {
    return registered().stream().filter(found -> found.name().equals(name)).toList();
  }

  /** Returns what is registered, each name of each bundle once, in order. */
  public synchronized List<Choice> registered() {
    return registered.stream()
        .map(Entry::identity)
        .distinct()
        .sorted(
            Comparator.comparing(Choice::name)
                .thenComparing(found -> Objects.requireNonNull(found.bundle())))
        .toList();
  }
}
