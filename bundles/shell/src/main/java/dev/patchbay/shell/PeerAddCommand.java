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

/** Adds a peer. */
@Service
@Command(
    scope = "peer",
    name = "add",
    description = "Connects to a peer, and dials it again whenever it is not connected")
@SuppressWarnings("NullAway") // Karaf injects the fields
public final class PeerAddCommand implements Action {
  @Argument(
      name = "URL",
      required = true,
      description = "The peer: enode://KEY@ADDRESS:PORT or enr:…")
  private String url;

  @Option(name = "--trusted", description = "The peer may connect when there are too many peers")
  private boolean trusted;

  @Option(name = "--network", description = "The network, when the node has several: devp2p")
  private @Nullable String networkName;

  @Reference private BundleContext context;

  @Override
  public @Nullable Object execute() {
    Network network = Networks.find(new Services(context).all(Network.class), networkName);
    System.out.println(add(network, url, trusted));
    return null;
  }

  /** Adds a peer; returns what has happened. */
  static String add(Network network, String url, boolean trusted) {
    String own = network.localNode().id();
    if (!own.isEmpty() && url.contains(own)) {
      throw new IllegalArgumentException(url + " is this node itself");
    }
    boolean added = network.addPeer(url);
    boolean newlyTrusted = trusted && network.addTrustedPeer(url);
    return (added ? "added, and dialed from now on: " : "was added before: ")
        + url
        + (newlyTrusted ? " (trusted)" : "");
  }
}
