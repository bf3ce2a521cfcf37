// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.tracers;

import dev.patchbay.api.tracing.TracerEngine;
import dev.patchbay.api.tracing.TracerFactory;
import dev.patchbay.api.tracing.TracerRegistry;
import dev.patchbay.binding.NamedServices;
import dev.patchbay.binding.NamedServices.Registration;
import java.util.Comparator;
import java.util.HashMap;
import java.util.HashSet;
import java.util.Map;
import java.util.Set;
import java.util.SortedSet;
import java.util.TreeSet;
import org.jspecify.annotations.Nullable;
import org.osgi.framework.Bundle;
import org.osgi.framework.BundleContext;
import org.osgi.framework.ServiceReference;
import org.osgi.framework.Version;
import org.osgi.service.component.annotations.Activate;
import org.osgi.service.component.annotations.Component;
import org.osgi.service.component.annotations.Reference;
import org.osgi.service.component.annotations.ReferenceCardinality;
import org.osgi.service.component.annotations.ReferencePolicy;
import org.osgi.service.component.annotations.ReferencePolicyOption;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Keeps the tracers by name and version. Factories are made when they are first asked for: one may
 * need this registry itself.
 *
 * <p>Threading: any thread. No lock is held while a factory is made: that is the code of others,
 * and may wait.
 */
@Component
public final class TracerRegistryComponent implements TracerRegistry {
  private static final Logger LOG = LoggerFactory.getLogger(TracerRegistryComponent.class);

  private final BundleContext context;

  /** The tracers by {@code name@version}. */
  private final NamedServices<ServiceReference<TracerFactory>> references =
      new NamedServices<>("tracer", LOG::warn);

  /** Those that have been asked for; held until they are unregistered. Guarded by this. */
  private final Map<ServiceReference<TracerFactory>, TracerFactory> made = new HashMap<>();

  /** All that are registered; guarded by this. */
  private final Set<ServiceReference<TracerFactory>> registered = new HashSet<>();

  /** Creates an empty registry. */
  @Activate
  public TracerRegistryComponent(BundleContext context) {
    this.context = context;
  }

  @Reference(
      service = TracerFactory.class,
      cardinality = ReferenceCardinality.MULTIPLE,
      policy = ReferencePolicy.DYNAMIC,
      policyOption = ReferencePolicyOption.GREEDY)
  synchronized void addTracer(
      ServiceReference<TracerFactory> added, Map<String, Object> properties) {
    Bundle bundle = added.getBundle(); // null when the service was unregistered meanwhile
    Registration registration =
        Registration.of(properties, bundle == null ? null : bundle.getSymbolicName());
    registered.add(added);
    references.add(registration, name(added) + "@" + version(added), added);
  }

  synchronized void removeTracer(
      ServiceReference<TracerFactory> removed, Map<String, Object> properties) {
    registered.remove(removed);
    made.remove(removed);
    references.remove(Registration.of(properties));
  }

  @Reference(
      cardinality = ReferenceCardinality.OPTIONAL,
      policy = ReferencePolicy.DYNAMIC,
      policyOption = ReferencePolicyOption.GREEDY)
  private volatile @Nullable TracerEngine engine;

  private static String name(ServiceReference<?> reference) {
    return String.valueOf(reference.getProperty(TracerFactory.NAME));
  }

  private static Version version(ServiceReference<?> reference) {
    Object version = reference.getProperty(TracerFactory.VERSION);
    return version == null
        ? reference.getBundle().getVersion()
        : Version.parseVersion(String.valueOf(version));
  }

  @Override
  public @Nullable TracerFactory find(String name) {
    TracerEngine programs = engine;
    if (programs != null && name.indexOf('{') >= 0) {
      return (config, subject) -> programs.create(name, config, subject);
    }
    return factory(name);
  }

  private @Nullable TracerFactory factory(String name) {
    ServiceReference<TracerFactory> reference;
    synchronized (this) {
      reference = reference(name);
      if (reference == null) {
        return null;
      }
      TracerFactory known = made.get(reference);
      if (known != null) {
        return known;
      }
    }
    TracerFactory factory = context.getService(reference); // may start a component of others
    if (factory != null) {
      boolean held;
      synchronized (this) {
        held = registered.contains(reference) && made.putIfAbsent(reference, factory) == null;
      }
      if (!held) { // another thread holds it, or it was unregistered meanwhile
        context.ungetService(reference);
      }
    }
    return factory;
  }

  private @Nullable ServiceReference<TracerFactory> reference(String name) {
    int at = name.lastIndexOf('@');
    Version wanted = null;
    if (at >= 0) {
      try {
        wanted = Version.parseVersion(name.substring(at + 1));
      } catch (IllegalArgumentException malformed) {
        return null;
      }
    }
    String plain = at < 0 ? name : name.substring(0, at);
    Version version = wanted == null ? latest(plain) : wanted;
    return version == null ? null : references.get(plain + "@" + version);
  }

  private @Nullable Version latest(String name) {
    return references.names().stream()
        .filter(known -> known.startsWith(name + "@"))
        .map(known -> Version.parseVersion(known.substring(name.length() + 1)))
        .max(Comparator.naturalOrder())
        .orElse(null);
  }

  @Override
  public synchronized SortedSet<String> names() {
    SortedSet<String> out = new TreeSet<>();
    for (String known : references.names()) {
      out.add(known.substring(0, known.lastIndexOf('@')));
      out.add(known);
    }
    return out;
  }
}
