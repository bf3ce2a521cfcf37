// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.shell;

import dev.patchbay.api.chain.ChainChoices;
import org.apache.karaf.shell.api.action.Action;
import org.apache.karaf.shell.api.action.Argument;
import org.apache.karaf.shell.api.action.Command;
import org.apache.karaf.shell.api.action.Option;
import org.apache.karaf.shell.api.action.lifecycle.Reference;
import org.apache.karaf.shell.api.action.lifecycle.Service;
import org.jspecify.annotations.Nullable;
import org.osgi.framework.BundleContext;

/** Chooses the EVM of the chain. */
@Service
@Command(
    scope = "evm",
    name = "use",
    description = "Chooses the EVM that the chain uses from the next block on")
@SuppressWarnings("NullAway") // Karaf injects the fields
public final class EvmUseCommand implements Action {
  @Argument(name = "NAME", description = "The EVM, as evm:list names it", required = true)
  private String name;

  @Option(
      name = "--bundle",
      description =
          "The symbolic name of its bundle, before the name; needed when several bundles provide"
              + " the name")
  private @Nullable String bundle;

  @Reference private BundleContext context;

  @Override
  public @Nullable Object execute() {
    ChainChoices choices = new Services(context).require(ChainChoices.class);
    ChainChoices.Provider before = choices.evm().chosen();
    System.out.println(
        "the chain uses the EVM " + choices.useEvm(name, bundle) + "; before: " + before);
    return null;
  }
}
