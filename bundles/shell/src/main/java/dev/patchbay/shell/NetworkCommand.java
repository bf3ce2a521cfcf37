// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.shell;

import dev.patchbay.api.p2p.Network;
import org.apache.karaf.shell.api.action.Action;
import org.apache.karaf.shell.api.action.Option;
import org.apache.karaf.shell.api.action.lifecycle.Reference;
import org.jspecify.annotations.Nullable;
import org.osgi.framework.BundleContext;

/** A command that changes one network, and prints what has happened. */
@SuppressWarnings("NullAway") // Karaf injects the fields, those of a superclass too
abstract class NetworkCommand implements Action {
  @Option(name = "--network", description = "The network, when the node has several: devp2p")
  private @Nullable String networkName;

  @Reference private BundleContext context;

  /** Runs the command; returns what has happened. */
  abstract String run(Network network);

  @Override
  public final @Nullable Object execute() {
    System.out.println(run(Networks.find(new Services(context).all(Network.class), networkName)));
    return null;
  }
}
