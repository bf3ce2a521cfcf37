// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.shell;

import dev.patchbay.api.chain.ChainChoices;
import org.apache.karaf.shell.api.action.Action;
import org.apache.karaf.shell.api.action.Command;
import org.apache.karaf.shell.api.action.lifecycle.Reference;
import org.apache.karaf.shell.api.action.lifecycle.Service;
import org.jspecify.annotations.Nullable;
import org.osgi.framework.BundleContext;

/** Lists the consensus rules. */
@Service
@Command(
    scope = "consensus",
    name = "list",
    description = "Lists the installed consensus rules with their bundles; * marks those in use")
@SuppressWarnings("NullAway") // Karaf injects the fields
public final class ConsensusListCommand implements Action {
  @Reference private BundleContext context;

  @Override
  public @Nullable Object execute() {
    EvmListCommand.print(new Services(context).require(ChainChoices.class).rules());
    return null;
  }
}
