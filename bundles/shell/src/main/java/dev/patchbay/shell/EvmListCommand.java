// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.shell;

import dev.patchbay.api.chain.ChainChoices;
import org.apache.karaf.shell.api.action.Action;
import org.apache.karaf.shell.api.action.Command;
import org.apache.karaf.shell.api.action.lifecycle.Reference;
import org.apache.karaf.shell.api.action.lifecycle.Service;
import org.jspecify.annotations.Nullable;
import org.osgi.framework.BundleContext;

/** Lists the EVMs. */
@Service
@Command(
    scope = "evm",
    name = "list",
    description = "Lists the installed EVMs with their bundles; * marks that of the chain")
@SuppressWarnings("NullAway") // Karaf injects the fields
public final class EvmListCommand implements Action {
  @Reference private BundleContext context;

  @Override
  public @Nullable Object execute() {
    print(new Services(context).require(ChainChoices.class).evm());
    return null;
  }

  /** Prints what is installed, and what is chosen. */
  static void print(ChainChoices.Choice choice) {
    for (ChainChoices.Provider provider : choice.installed()) {
      System.out.printf(
          "%s %-12s %s%n",
          provider.equals(choice.chosen()) ? "*" : " ", provider.name(), provider.bundle());
    }
    if (!choice.available()) {
      System.out.println("  the chain uses " + choice.chosen() + ", which is not available");
    }
  }
}
