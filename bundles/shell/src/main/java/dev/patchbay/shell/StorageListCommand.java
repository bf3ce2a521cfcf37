// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.shell;

import dev.patchbay.api.storage.StorageControl;
import org.apache.karaf.shell.api.action.Action;
import org.apache.karaf.shell.api.action.Command;
import org.apache.karaf.shell.api.action.lifecycle.Reference;
import org.apache.karaf.shell.api.action.lifecycle.Service;
import org.jspecify.annotations.Nullable;
import org.osgi.framework.BundleContext;

/** Lists the stores. */
@Service
@Command(scope = "storage", name = "list", description = "Lists the stores that are installed")
@SuppressWarnings("NullAway") // Karaf injects the fields
public final class StorageListCommand implements Action {
  @Reference private BundleContext context;

  @Override
  public @Nullable Object execute() {
    StorageControl control = new Services(context).require(StorageControl.class);
    for (StorageControl.Store store : control.stores()) {
      System.out.printf(
          "%s %-10s %-9s %,d bytes%n",
          store.active() ? "*" : " ",
          store.id(),
          store.durable() ? "durable" : "volatile",
          store.bytes());
    }
    if (control.stores().stream().noneMatch(StorageControl.Store::active)) {
      System.out.println("the chosen store '" + control.chosen() + "' is not bound");
    }
    return null;
  }
}
