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
import org.osgi.framework.ServiceReference;
import org.osgi.framework.Version;
import org.osgi.service.component.ComponentServiceObjects;
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
  private final Map<String, TreeMap<Version, ComponentServiceObjects<TracerFactory>>> factories =
      new HashMap<>();

  @Reference(
      service = TracerFactory.class,
      cardinality = ReferenceCardinality.MULTIPLE,
      policy = ReferencePolicy.DYNAMIC,
      policyOption = ReferencePolicyOption.GREEDY)
  synchronized void addTracer(ComponentServiceObjects<TracerFactory> added) {
    ServiceReference<TracerFactory> reference = added.getServiceReference();
    factories
        .computeIfAbsent(name(reference), name -> new TreeMap<>())
        .put(version(reference), added);
  }

  synchronized void removeTracer(ComponentServiceObjects<TracerFactory> gone) {
    ServiceReference<TracerFactory> reference = gone.getServiceReference();
    Map<Version, ComponentServiceObjects<TracerFactory>> versions = factories.get(name(reference));
    if (versions != null) {
      // a newer build may have taken the place already
      versions.values().removeIf(known -> known.getServiceReference().equals(reference));
      if (versions.isEmpty()) {
        factories.remove(name(reference));
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
    ComponentServiceObjects<TracerFactory> found = objects(name);
    return found == null ? null : found.getService();
  }

  private synchronized @Nullable ComponentServiceObjects<TracerFactory> objects(String name) {
    int at = name.lastIndexOf('@');
    TreeMap<Version, ComponentServiceObjects<TracerFactory>> versions =
        factories.get(at < 0 ? name : name.substring(0, at));
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
    factories.forEach(
        (name, versions) -> {
          out.add(name);
          versions.keySet().forEach(version -> out.add(name + "@" + version));
        });
    return out;
  }
}
