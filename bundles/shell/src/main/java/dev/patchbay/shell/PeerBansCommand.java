// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.shell;

import dev.patchbay.api.p2p.Network;
import dev.patchbay.api.p2p.PeerBan;
import java.time.temporal.ChronoUnit;
import java.util.List;
import org.apache.karaf.shell.api.action.Command;
import org.apache.karaf.shell.api.action.lifecycle.Service;

/** Lists the bans. */
@Service
@Command(scope = "peer", name = "bans", description = "Lists the banned peers, until when, and why")
public final class PeerBansCommand extends NetworkCommand {
  @Override
  String run(Network network) {
    return list(network);
  }

  /** Returns the bans of a network, one a line. */
  static String list(Network network) {
    List<PeerBan> bans = network.bans();
    if (bans.isEmpty()) {
      return network.name() + ": no peer is banned";
    }
    StringBuilder out = new StringBuilder(network.name());
    out.append(bans.size() == 1 ? ": 1 ban" : ": " + bans.size() + " bans");
    out.append("; peer:unban ID ends one");
    for (PeerBan ban : bans) {
      out.append("\n  ").append(ban.peer().shortText());
      out.append("  until ").append(ban.until().truncatedTo(ChronoUnit.SECONDS));
      out.append("  ").append(ban.reason().isEmpty() ? "no reason is known" : ban.reason());
    }
    return out.toString();
  }
}
