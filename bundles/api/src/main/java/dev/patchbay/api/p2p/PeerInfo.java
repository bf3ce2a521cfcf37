// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.api.p2p;

import java.net.InetSocketAddress;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * A connected peer.
 *
 * @param id which peer
 * @param url its URL: on devp2p {@code enode://…}
 * @param clientId name and version of its program as the peer states it
 * @param capabilities what both sides speak
 * @param local this end of the connection
 * @param remote the other end
 * @param inbound whether the peer dialed this node
 * @param trusted whether it is connected even when there are too many peers
 * @param configured whether the operator named it, so that it is dialed again
 * @param head the head of its chain; null when it has stated none
 * @param protocols what each sub-protocol says of it by name, see {@link ProtocolHandler#info}
 */
public record PeerInfo(
    PeerId id,
    String url,
    String clientId,
    List<Capability> capabilities,
    InetSocketAddress local,
    InetSocketAddress remote,
    boolean inbound,
    boolean trusted,
    boolean configured,
    @Nullable ChainHead head,
    Map<String, Map<String, Object>> protocols) {
  /** Copies the collections. */
  public PeerInfo {
    capabilities = List.copyOf(capabilities);
    protocols = Map.copyOf(protocols);
  }
}
