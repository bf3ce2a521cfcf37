// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.execution;

import dev.patchbay.api.tracing.TracerEngine;
import dev.patchbay.api.tracing.TracerFactory;
import dev.patchbay.api.tracing.TracerRegistry;
import java.util.HashMap;
import java.util.Map;
import java.util.SortedSet;
import java.util.TreeMap;
import java.util.TreeSet;
import org.jspecify.annotations.Nullable;
import org.osgi.framework.BundleContext;
import org.osgi.framework.ServiceReference;
import org.osgi.framework.Version;
import org.osgi.service.component.annotations.Activate;
import org.osgi.service.component.annotations.Component;
import org.osgi.service.component.annotations.Reference;
import org.osgi.service.component.annotations.ReferenceCardinality;
import org.osgi.service.component.annotations.ReferencePolicy;
import org.osgi.service.component.annotations.ReferencePolicyOption;

/**
 * Keeps the tracers by name and version. Factories are made when they are first asked for: one may
 * need this registry itself.
 */
@Component
public final class Tracers implements TracerRegistry {
  private final BundleContext context;
  private final Map<String, TreeMap<Version, ServiceReference<TracerFactory>>> references =
      new HashMap<>();

  /** Those that have been asked for; held until they are unregistered. */
  private final Map<ServiceReference<TracerFactory>, TracerFactory> made = new HashMap<>();

  /** Creates an empty registry. */
  @Activate
  public Tracers(BundleContext context) {
    this.context = context;
  }

  @Reference(
      service = TracerFactory.class,
      cardinality = ReferenceCardinality.MULTIPLE,
      policy = ReferencePolicy.DYNAMIC,
      policyOption = ReferencePolicyOption.GREEDY)
  synchronized void addTracer(ServiceReference<TracerFactory> added) {
    references.computeIfAbsent(name(added), name -> new TreeMap<>()).put(version(added), added);
  }

  synchronized void removeTracer(ServiceReference<TracerFactory> gone) {
    made.remove(gone);
    Map<Version, ServiceReference<TracerFactory>> versions = references.get(name(gone));
    if (versions != null) {
      versions.values().remove(gone); // a newer build may have taken the place already
      if (versions.isEmpty()) {
        references.remove(name(gone));
      }
    }
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

  private synchronized @Nullable TracerFactory factory(String name) {
    ServiceReference<TracerFactory> reference = reference(name);
    if (reference == null) {
      return null;
    }
    TracerFactory factory = made.get(reference);
    if (factory == null) {
      factory = context.getService(reference);
      if (factory != null) {
        made.put(reference, factory);
      }
    }
    return factory;
  }

  private @Nullable ServiceReference<TracerFactory> reference(String name) {
    int at = name.lastIndexOf('@');
    TreeMap<Version, ServiceReference<TracerFactory>> versions =
        references.get(at < 0 ? name : name.substring(0, at));
    if (versions == null) {
      return null;
    }
    if (at < 0) {
      return versions.lastEntry().getValue();
    }
    try {
      return versions.get(Version.parseVersion(name.substring(at + 1)));
    } catch (IllegalArgumentException malformed) {
      return null;
    }
  }

  @Override
  public synchronized SortedSet<String> names() {
    SortedSet<String> out = new TreeSet<>();
    references.forEach(
        (name, versions) -> {
          out.add(name);
          versions.keySet().forEach(version -> out.add(name + "@" + version));
        });
    return out;
  }
}
