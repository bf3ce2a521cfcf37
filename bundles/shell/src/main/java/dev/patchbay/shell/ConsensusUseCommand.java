// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.shell;

import dev.patchbay.api.chain.ChainChoices;
import org.apache.karaf.shell.api.action.Action;
import org.apache.karaf.shell.api.action.Argument;
import org.apache.karaf.shell.api.action.Command;
import org.apache.karaf.shell.api.action.lifecycle.Reference;
import org.apache.karaf.shell.api.action.lifecycle.Service;
import org.jspecify.annotations.Nullable;
import org.osgi.framework.BundleContext;

/** Chooses the bundle whose consensus rules the chain uses. */
@Service
@Command(
    scope = "consensus",
    name = "use",
    description =
        "Chooses the bundle that provides the consensus rules of the chain; the genesis decides"
            + " their name")
@SuppressWarnings("NullAway") // Karaf injects the fields
public final class ConsensusUseCommand implements Action {
  @Argument(name = "BUNDLE", description = "The symbolic name of the bundle", required = true)
  private String bundle;

  @Reference private BundleContext context;

  @Override
  public @Nullable Object execute() {
    ChainChoices choices = new Services(context).require(ChainChoices.class);
    ChainChoices.Provider before = choices.rules().chosen();
    System.out.println(
        "the chain uses the consensus rules " + choices.useRules(bundle) + "; before: " + before);
    return null;
  }
}
