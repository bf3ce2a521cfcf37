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

/** Removes a peer. */
@Service
@Command(
    scope = "peer",
    name = "remove",
    description = "Disconnects from a peer, and dials it no longer")
@SuppressWarnings("NullAway") // Karaf injects the fields
public final class PeerRemoveCommand implements Action {
  @Argument(
      name = "PEER",
      required = true,
      description =
          "The peer: an enode URL, or the first digits of the id of a connected peer, as peer:list"
              + " shows it")
  private String peer;

  @Option(name = "--trusted", description = "Ends also the exemption from the limit of peers")
  private boolean trusted;

  @Option(name = "--network", description = "The network, when the node has several: devp2p")
  private @Nullable String networkName;

  @Reference private BundleContext context;

  @Override
  public @Nullable Object execute() {
    Network network = Networks.find(new Services(context).all(Network.class), networkName);
    System.out.println(remove(network, peer, trusted));
    return null;
  }

  /** Removes a peer; returns what has happened. */
  static String remove(Network network, String peer, boolean trusted) {
    String url = Networks.url(network, peer);
    boolean removed = network.removePeer(url);
    boolean distrusted = trusted && network.removeTrustedPeer(url);
    if (!removed && !distrusted) {
      throw new IllegalArgumentException(url + " was neither added nor connected");
    }
    return "removed: " + url;
  }
}
