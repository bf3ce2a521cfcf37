// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.shell;

import dev.patchbay.api.consensus.CliqueControl;
import dev.patchbay.primitives.Address;
import org.apache.karaf.shell.api.action.Action;
import org.apache.karaf.shell.api.action.Argument;
import org.apache.karaf.shell.api.action.Command;
import org.apache.karaf.shell.api.action.Option;
import org.apache.karaf.shell.api.action.lifecycle.Reference;
import org.apache.karaf.shell.api.action.lifecycle.Service;
import org.jspecify.annotations.Nullable;
import org.osgi.framework.BundleContext;

/** Votes on a signer. */
@Service
@Command(
    scope = "clique",
    name = "propose",
    description = "Votes on a signer in the blocks that this node seals")
@SuppressWarnings("NullAway") // Karaf injects the fields
public final class CliqueProposeCommand implements Action {
  @Argument(index = 0, name = "ADDRESS", required = true, description = "The account to vote on")
  private String address;

  @Argument(
      index = 1,
      name = "AUTHORIZE",
      description = "true to authorize (default), false to remove")
  private boolean authorize = true;

  @Option(name = "--discard", description = "Drops the proposal")
  private boolean discard;

  @Reference private BundleContext context;

  @Override
  public @Nullable Object execute() {
    CliqueControl clique = new Services(context).require(CliqueControl.class);
    Address target = Address.fromHex(address);
    if (discard) {
      clique.discard(target);
    } else {
      clique
          .propose(target, authorize)
          .ifPresent(warning -> System.out.println("warning: " + warning));
    }
    return null;
  }
}
