// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.shell;

import dev.patchbay.api.rpc.RpcNamespace;
import org.apache.karaf.shell.api.action.Action;
import org.apache.karaf.shell.api.action.Command;
import org.apache.karaf.shell.api.action.lifecycle.Reference;
import org.apache.karaf.shell.api.action.lifecycle.Service;
import org.jspecify.annotations.Nullable;
import org.osgi.framework.BundleContext;

/** Lists the JSON-RPC namespaces. */
@Service
@Command(
    scope = "rpc",
    name = "list",
    description = "Lists the JSON-RPC namespaces that are installed")
@SuppressWarnings("NullAway") // Karaf injects the fields
public final class RpcListCommand implements Action {
  @Reference private BundleContext context;

  @Override
  public @Nullable Object execute() {
    new Services(context)
        .properties(RpcNamespace.class, RpcNamespace.NAME)
        .forEach(System.out::println);
    return null;
  }
}
