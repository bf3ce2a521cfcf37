// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.shell;

import dev.patchbay.api.consensus.CliqueControl;
import org.apache.karaf.shell.api.action.Action;
import org.apache.karaf.shell.api.action.Command;
import org.apache.karaf.shell.api.action.lifecycle.Reference;
import org.apache.karaf.shell.api.action.lifecycle.Service;
import org.jspecify.annotations.Nullable;
import org.osgi.framework.BundleContext;

/** Shows signers and proposals. */
@Service
@Command(
    scope = "clique",
    name = "status",
    description = "Shows the signers and this node's proposals")
@SuppressWarnings("NullAway") // Karaf injects the fields
public final class CliqueStatusCommand implements Action {
  @Reference private BundleContext context;

  @Override
  public @Nullable Object execute() {
    CliqueControl clique = new Services(context).require(CliqueControl.class);
    clique
        .signers()
        .forEach(signer -> System.out.println("signer    " + signer.toChecksumString()));
    clique
        .proposals()
        .forEach(
            (address, add) ->
                System.out.println(
                    "proposal  " + (add ? "authorize " : "remove ") + address.toChecksumString()));
    return null;
  }
}
