// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.shell;

import dev.patchbay.api.node.Health;
import dev.patchbay.api.node.HealthReport;
import dev.patchbay.api.node.NodeHealth;
import dev.patchbay.api.node.PartHealth;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import org.jspecify.annotations.Nullable;
import org.osgi.framework.BundleContext;
import org.osgi.framework.InvalidSyntaxException;
import org.osgi.framework.ServiceReference;

/** Looks services up for one command. */
final class Services {
  private static final PartHealth NO_HEALTH =
      new PartHealth(
          PartHealth.Kind.BUNDLE,
          "dev.patchbay.health",
          Health.unavailable("the bundle is not active, so the health of the node is not known"),
          "bundle:start dev.patchbay.health",
          List.of(),
          List.of());

  private final BundleContext context;

  Services(BundleContext context) {
    this.context = context;
  }

  <T> @Nullable T find(Class<T> type) {
    ServiceReference<T> reference = context.getServiceReference(type);
    return reference == null ? null : context.getService(reference);
  }

  /** Returns all services of a type that are there. */
  <T> List<T> all(Class<T> type) {
    return references(type).stream().map(context::getService).filter(Objects::nonNull).toList();
  }

  /** Returns a service; without one the command fails and says which is missing. */
  <T> T require(Class<T> type) {
    T service = find(type);
    if (service == null) {
      throw new IllegalStateException(
          "no " + type.getSimpleName() + " service is registered; patchbay:doctor shows why");
    }
    return service;
  }

  /** Returns the health of the node; a report on the missing service when there is none. */
  HealthReport health() {
    NodeHealth health = find(NodeHealth.class);
    return health == null ? new HealthReport(List.of(NO_HEALTH), Map.of()) : health.report();
  }

  /** Returns the values of a property of all services of a type. */
  <T> List<String> properties(Class<T> type, String property) {
    List<String> out = new ArrayList<>();
    for (ServiceReference<T> reference : references(type)) {
      Object value = reference.getProperty(property);
      for (String item :
          value instanceof String[] several ? several : new String[] {String.valueOf(value)}) {
        out.add(
            item
                + "\t"
                + reference.getBundle().getSymbolicName()
                + " "
                + reference.getBundle().getVersion());
      }
    }
    out.sort(null);
    return out;
  }

  <T> Collection<ServiceReference<T>> references(Class<T> type) {
    try {
      return context.getServiceReferences(type, null);
    } catch (InvalidSyntaxException impossible) {
      throw new IllegalStateException(impossible);
    }
  }
}
