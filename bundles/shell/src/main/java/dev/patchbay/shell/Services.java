// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.shell;

import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.Objects;
import org.jspecify.annotations.Nullable;
import org.osgi.framework.BundleContext;
import org.osgi.framework.InvalidSyntaxException;
import org.osgi.framework.ServiceReference;

/** Looks services up for one command. */
final class Services {
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
          "no " + type.getSimpleName() + " service is there; patchbay:doctor says what is missing");
    }
    return service;
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
