// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.shell;

import dev.patchbay.api.p2p.Network;
import dev.patchbay.api.p2p.PeerInfo;
import java.util.List;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/** Finds the network and the peer that a command names. */
final class Networks {
  /** A name with fewer digits would soon fit several peers. */
  private static final int MIN_DIGITS = 4;

  private Networks() {}

  /**
   * Returns a network.
   *
   * @param name its name; null for the only one
   * @throws IllegalStateException when there is none
   * @throws IllegalArgumentException when the name is missing or unknown; the message lists the
   *     names
   */
  static Network find(List<Network> all, @Nullable String name) {
    if (all.isEmpty()) {
      throw new IllegalStateException(
          "the node has no peers: start it with --p2p on, and install the feature patchbay-p2p");
    }
    String names = all.stream().map(Network::name).sorted().collect(Collectors.joining(", "));
    if (name == null) {
      if (all.size() > 1) {
        throw new IllegalArgumentException("choose a network with --network: " + names);
      }
      return all.get(0);
    }
    return all.stream()
        .filter(network -> network.name().equals(name))
        .findFirst()
        .orElseThrow(
            () ->
                new IllegalArgumentException(
                    "there is no network '" + name + "'; there are: " + names));
  }

  /**
   * Returns the URL of a peer.
   *
   * @param text a URL, which is returned as it is, or the first digits of the id of a connected
   *     peer
   * @throws IllegalArgumentException when no peer, or several, have such an id
   */
  static String url(Network network, String text) {
    if (text.contains(":")) {
      return text;
    }
    List<PeerInfo> found =
        text.length() < MIN_DIGITS
            ? List.of()
            : network.peers().stream().filter(peer -> peer.id().value().startsWith(text)).toList();
    if (found.size() != 1) {
      throw new IllegalArgumentException(
          "'"
              + text
              + "' is neither an enode URL nor the beginning of the id of "
              + (found.isEmpty() ? "a connected peer" : "one connected peer only")
              + "; peer:list shows the peers");
    }
    return found.get(0).url();
  }
}
