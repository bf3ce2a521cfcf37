// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.shell;

import dev.patchbay.api.p2p.Capability;
import dev.patchbay.api.p2p.ChainHead;
import dev.patchbay.api.p2p.Network;
import dev.patchbay.api.p2p.PeerInfo;
import java.io.PrintStream;
import java.net.InetSocketAddress;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Collectors;
import org.apache.karaf.shell.api.action.Action;
import org.apache.karaf.shell.api.action.Command;
import org.apache.karaf.shell.api.action.Option;
import org.apache.karaf.shell.api.action.lifecycle.Reference;
import org.apache.karaf.shell.api.action.lifecycle.Service;
import org.jspecify.annotations.Nullable;
import org.osgi.framework.BundleContext;

/** Lists the peers. */
@Service
@Command(
    scope = "peer",
    name = "list",
    description = "Lists the connected peers, and the dials and handshakes under way")
@SuppressWarnings("NullAway") // Karaf injects the fields
public final class PeerListCommand implements Action {
  private static final int SHOWN_CLIENT = 60;

  @Option(name = "--urls", description = "Shows the enode URLs of the peers")
  private boolean urls;

  @Reference private BundleContext context;

  @Override
  public @Nullable Object execute() {
    List<Network> networks = new Services(context).all(Network.class);
    if (networks.isEmpty()) {
      Networks.find(networks, null); // says why there is none
    }
    networks.forEach(network -> print(network, urls, System.out));
    return null;
  }

  /** Prints the peers of a network, and what is under way. */
  static void print(Network network, boolean urls, PrintStream out) {
    List<PeerInfo> peers = network.peers();
    List<String> pending = network.pending();
    out.println(network.name() + ": " + summary(peers, pending, network.maxPeers()));
    out.println("  this node: " + ownUrl(network));
    for (PeerInfo peer : peers) {
      out.println("  " + (urls ? peer.url() : line(peer)));
    }
    for (String remote : pending) {
      out.println("  not a peer yet: " + (urls ? remote : Networks.shownRemote(remote)));
    }
  }

  /** Returns the URL of this node; while it does not listen a URL would be of no use to others. */
  static String ownUrl(Network network) {
    return network.isListening()
        ? network.localNode().url()
        : "not listening, so that no other node can dial it; patchbay:doctor says why";
  }

  /** Returns how many peers there are; dials and handshakes under way are counted apart. */
  static String summary(List<PeerInfo> peers, List<String> pending, int maxPeers) {
    long inbound = peers.stream().filter(PeerInfo::inbound).count();
    return peers.size()
        + (peers.size() == 1 ? " peer of at most " : " peers of at most ")
        + maxPeers
        + " ("
        + inbound
        + " inbound, "
        + (peers.size() - inbound)
        + " dialed), "
        + pending.size()
        + " dials and handshakes under way";
  }

  private static String line(PeerInfo peer) {
    String client = peer.clientId().replaceAll("[^\\x20-\\x7e]", "?"); // a peer wrote it
    return "%s  %-21s %-8s %s  %s%s"
        .formatted(
            peer.id().shortText(),
            address(peer.remote()),
            peer.inbound() ? "inbound" : "dialed",
            client.length() > SHOWN_CLIENT ? client.substring(0, SHOWN_CLIENT) + "…" : client,
            peer.capabilities().stream().map(Capability::toString).collect(Collectors.joining(",")),
            block(peer) + marks(peer));
  }

  private static String block(PeerInfo peer) {
    ChainHead head = peer.head();
    return head == null || head.number() == null
        ? ""
        : "  block " + Long.toUnsignedString(head.number());
  }

  private static String marks(PeerInfo peer) {
    List<String> marks = new ArrayList<>();
    if (peer.configured()) {
      marks.add("static");
    }
    if (peer.trusted()) {
      marks.add("trusted");
    }
    return marks.isEmpty() ? "" : "  " + String.join(",", marks);
  }

  private static String address(InetSocketAddress address) {
    String host = address.getHostString();
    return (host.contains(":") ? "[" + host + "]" : host) + ":" + address.getPort();
  }
}
