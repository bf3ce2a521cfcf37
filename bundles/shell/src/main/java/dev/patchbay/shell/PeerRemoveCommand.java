// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.shell;

import dev.patchbay.api.p2p.Network;
import org.apache.karaf.shell.api.action.Argument;
import org.apache.karaf.shell.api.action.Command;
import org.apache.karaf.shell.api.action.Option;
import org.apache.karaf.shell.api.action.lifecycle.Service;

/** Removes a peer. */
@Service
@Command(
    scope = "peer",
    name = "remove",
    description = "Disconnects from a peer, and dials it no longer")
@SuppressWarnings("NullAway") // Karaf injects the fields
public final class PeerRemoveCommand extends NetworkCommand {
  @Argument(
      name = "PEER",
      required = true,
      description =
          "The peer: an enode URL, or its id or the first digits of it, as peer:list shows them")
  private String peer;

  @Option(name = "--trusted", description = "Ends also the exemption from the limit of peers")
  private boolean trusted;

  @Override
  String run(Network network) {
    return remove(network, peer, trusted);
  }

  /** Removes a peer; returns what has happened. */
  static String remove(Network network, String peer, boolean trusted) {
    String url = Networks.url(network, peer);
    boolean removed = network.removePeer(url);
    boolean distrusted = trusted && network.removeTrustedPeer(url);
    if (!removed && !distrusted) {
      throw new IllegalArgumentException(url + " was neither added nor connected");
    }
    return "removed: " + url + " (node discovery may find it again; peer:ban keeps it away)";
  }
}
