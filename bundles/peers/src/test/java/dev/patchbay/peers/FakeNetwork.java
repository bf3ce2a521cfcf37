// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.peers;

import dev.patchbay.api.p2p.LocalNode;
import dev.patchbay.api.p2p.Network;
import dev.patchbay.api.p2p.PeerId;
import dev.patchbay.api.p2p.PeerInfo;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.time.Duration;
import java.util.List;
import java.util.Map;

/** A network with peers of the given names, and as many dials under way. */
record FakeNetwork(String name, List<String> ids) implements Network {
  @Override
  public LocalNode localNode() {
    return new LocalNode("", "", null, "", 0, 0);
  }

  @Override
  public List<PeerInfo> peers() {
    InetSocketAddress end = new InetSocketAddress(InetAddress.getLoopbackAddress(), 1);
    return ids.stream()
        .map(
            id ->
                new PeerInfo(
                    new PeerId(name, id),
                    "",
                    "",
                    List.of(),
                    end,
                    end,
                    true,
                    false,
                    false,
                    null,
                    Map.of()))
        .toList();
  }

  @Override
  public List<String> pending() {
    return ids.stream().map(id -> "dial of " + id).toList();
  }

  @Override
  public int maxPeers() {
    return 50;
  }

  @Override
  public boolean isListening() {
    return name.equals("one");
  }

  @Override
  public Map<String, Long> disconnects() {
    return Map.of("sent: too many peers", (long) ids.size());
  }

  @Override
  public boolean addPeer(String url) {
    return false;
  }

  @Override
  public boolean removePeer(String url) {
    return false;
  }

  @Override
  public boolean addTrustedPeer(String url) {
    return false;
  }

  @Override
  public boolean removeTrustedPeer(String url) {
    return false;
  }

  @Override
  public void ban(String url, Duration duration) {}
}
