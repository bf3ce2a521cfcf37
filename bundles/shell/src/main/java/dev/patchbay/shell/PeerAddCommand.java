// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.shell;

import dev.patchbay.api.p2p.Network;
import org.apache.karaf.shell.api.action.Argument;
import org.apache.karaf.shell.api.action.Command;
import org.apache.karaf.shell.api.action.Option;
import org.apache.karaf.shell.api.action.lifecycle.Service;

/** Adds a peer. */
@Service
@Command(
    scope = "peer",
    name = "add",
    description = "Connects to a peer, and dials it again whenever it is not connected")
@SuppressWarnings("NullAway") // Karaf injects the fields
public final class PeerAddCommand extends NetworkCommand {
  @Argument(
      name = "URL",
      required = true,
      description = "The peer: enode://KEY@ADDRESS:PORT or enr:…")
  private String url;

  @Option(name = "--trusted", description = "The peer may connect when there are too many peers")
  private boolean trusted;

  @Override
  String run(Network network) {
    return add(network, url, trusted);
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
