// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.p2p.devp2p.discovery;

import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.file.Path;
import java.util.List;
import java.util.function.Predicate;
import org.jspecify.annotations.Nullable;

/**
 * The checked configuration of discovery. Threading: immutable.
 *
 * @param privateKey 32 bytes: key of the local node
 * @param bind address of the UDP socket; port 0 for any port
 * @param tcpPort port of RLPx that the record announces; 0 when the node accepts no connections
 * @param externalAddress address that the record announces; null to predict it by the statements of
 *     other nodes
 * @param bootNodes nodes from which discovery starts, for version 4; {@link Discovery#setBootNodes}
 *     replaces them
 * @param bootRecords nodes from which discovery starts, for versions 4 and 5
 * @param dnsLists node lists in the DNS, {@code enrtree://…} (EIP-1459); empty for none
 * @param database file of the known nodes; null when they are not stored
 * @param allowed whether packets may come from, and go to, an address
 * @param v4 whether version 4 runs
 * @param v5 whether version 5 runs
 */
public record DiscoverySettings(
    byte[] privateKey,
    InetSocketAddress bind,
    int tcpPort,
    @Nullable InetAddress externalAddress,
    List<Node> bootNodes,
    List<NodeRecord> bootRecords,
    List<String> dnsLists,
    @Nullable Path database,
    Predicate<InetAddress> allowed,
    boolean v4,
    boolean v5) {
  /** Copies the lists. */
  public DiscoverySettings {
    bootNodes = List.copyOf(bootNodes);
    bootRecords = List.copyOf(bootRecords);
    dnsLists = List.copyOf(dnsLists);
  }

  /** Shows no key. */
  @Override
  public String toString() {
    return "DiscoverySettings[bind=" + bind + ", v4=" + v4 + ", v5=" + v5 + "]";
  }
}
