// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.shell;

import dev.patchbay.api.storage.StorageControl;
import java.util.List;
import org.apache.karaf.shell.api.action.Action;
import org.apache.karaf.shell.api.action.Command;
import org.apache.karaf.shell.api.action.lifecycle.Reference;
import org.apache.karaf.shell.api.action.lifecycle.Service;
import org.jspecify.annotations.Nullable;
import org.osgi.framework.BundleContext;

/** Lists the named stores and the backends that they may be in. */
@Service
@Command(
    scope = "storage",
    name = "list",
    description =
        "Lists the stores, each with the installed backends and their bundles; * marks that in use")
@SuppressWarnings("NullAway") // Karaf injects the fields
public final class StorageListCommand implements Action {
  @Reference private BundleContext context;

  @Override
  public @Nullable Object execute() {
    StorageControl control = new Services(context).require(StorageControl.class);
    List<StorageControl.Store> stores = control.stores();
    for (String name : control.names()) {
      System.out.println(name);
      boolean bound = false;
      for (StorageControl.Store store : stores) {
        if (store.name().equals(name)) {
          bound |= store.active();
          System.out.printf(
              "%s %-10s %-9s %,15d bytes  %s%n",
              store.active() ? "*" : " ",
              store.backend(),
              store.durable() ? "durable" : "volatile",
              store.bytes(),
              store.bundle());
        }
      }
      if (!bound) {
        System.out.println(
            "  is not available in '"
                + control.chosen(name)
                + "'"
                + (control.chosenBundle(name) == null
                    ? ""
                    : " of bundle " + control.chosenBundle(name))
                + "; patchbay:doctor says why");
      }
    }
    return null;
  }
}
