// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.shell;

import dev.patchbay.api.p2p.Network;
import org.apache.karaf.shell.api.action.Action;
import org.apache.karaf.shell.api.action.Argument;
import org.apache.karaf.shell.api.action.Command;
import org.apache.karaf.shell.api.action.Option;
import org.apache.karaf.shell.api.action.lifecycle.Reference;
import org.apache.karaf.shell.api.action.lifecycle.Service;
import org.jspecify.annotations.Nullable;
import org.osgi.framework.BundleContext;

/** Ends a ban. */
@Service
@Command(scope = "peer", name = "unban", description = "Ends the ban of a peer")
@SuppressWarnings("NullAway") // Karaf injects the fields
public final class PeerUnbanCommand implements Action {
  @Argument(
      name = "URL",
      required = true,
      description = "The peer: enode://KEY, with or without an address")
  private String url;

  @Option(name = "--network", description = "The network, when the node has several: devp2p")
  private @Nullable String networkName;

  @Reference private BundleContext context;

  @Override
  public @Nullable Object execute() {
    Network network = Networks.find(new Services(context).all(Network.class), networkName);
    System.out.println(unban(network, url));
    return null;
  }

  /** Ends a ban; returns what has happened. */
  static String unban(Network network, String url) {
    if (!network.unban(url)) {
      throw new IllegalArgumentException(url + " is not banned");
    }
    return "no longer banned: " + url;
  }
}
