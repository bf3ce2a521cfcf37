// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.shell;

import dev.patchbay.api.tracing.TracerFactory;
import org.apache.karaf.shell.api.action.Action;
import org.apache.karaf.shell.api.action.Command;
import org.apache.karaf.shell.api.action.lifecycle.Reference;
import org.apache.karaf.shell.api.action.lifecycle.Service;
import org.jspecify.annotations.Nullable;
import org.osgi.framework.BundleContext;

/** Lists the tracers. */
@Service
@Command(scope = "tracer", name = "list", description = "Lists the tracers that are installed")
@SuppressWarnings("NullAway") // Karaf injects the fields
public final class TracerListCommand implements Action {
  @Reference private BundleContext context;

  @Override
  public @Nullable Object execute() {
    new Services(context)
        .properties(TracerFactory.class, TracerFactory.NAME)
        .forEach(System.out::println);
    return null;
  }
}
