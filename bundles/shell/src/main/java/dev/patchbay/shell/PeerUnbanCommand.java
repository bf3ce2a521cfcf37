// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.shell;

import dev.patchbay.api.p2p.Network;
import org.apache.karaf.shell.api.action.Argument;
import org.apache.karaf.shell.api.action.Command;
import org.apache.karaf.shell.api.action.lifecycle.Service;

/** Ends a ban. */
@Service
@Command(scope = "peer", name = "unban", description = "Ends the ban of a peer")
@SuppressWarnings("NullAway") // Karaf injects the fields
public final class PeerUnbanCommand extends NetworkCommand {
  @Argument(
      name = "PEER",
      required = true,
      description =
          "The peer: an enode URL, or its id or the first digits of it, as peer:bans shows them")
  private String peer;

  @Override
  String run(Network network) {
    return unban(network, peer);
  }

  /** Ends a ban; returns what has happened. */
  static String unban(Network network, String peer) {
    String url = Networks.bannedUrl(network, peer);
    if (!network.unban(url)) {
      throw new IllegalArgumentException(url + " is not banned");
    }
    return "no longer banned: " + url;
  }
}
