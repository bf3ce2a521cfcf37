// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.rpc.server;

import org.jspecify.annotations.Nullable;
import org.osgi.framework.BundleContext;
import org.osgi.framework.ServiceRegistration;
import org.osgi.service.component.annotations.Activate;
import org.osgi.service.component.annotations.Component;
import org.osgi.service.component.annotations.Deactivate;

/**
 * Registers the service that every listener requires, unless the framework property {@value
 * #PROPERTY} is {@code off}. The launcher sets it for {@code import} and {@code export}: such a
 * node opens no listener, whatever is configured.
 */
@Component(
    service = {},
    immediate = true)
public final class ListenerPermission {
  static final String PROPERTY = "patchbay.listeners";

  private final @Nullable ServiceRegistration<?> registration;

  /** Permission to open a listener. */
  static final class Granted {}

  /** Grants the permission, unless the property forbids it. */
  @Activate
  public ListenerPermission(BundleContext context) {
    registration =
        "off".equals(context.getProperty(PROPERTY))
            ? null
            : context.registerService(Granted.class, new Granted(), null);
  }

  @Deactivate
  void revoke() {
    if (registration != null) {
      registration.unregister();
    }
  }
}
