// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.rpc.chronos;

import dev.patchbay.api.p2p.ChainHead;
import dev.patchbay.api.p2p.Network;
import dev.patchbay.api.p2p.PeerInfo;
import dev.patchbay.api.p2p.Peers;
import dev.patchbay.api.rpc.RpcError;
import dev.patchbay.api.rpc.RpcMethod;
import dev.patchbay.api.rpc.RpcNamespace;
import dev.patchbay.primitives.Hex;
import dev.patchbay.rpc.codec.Params;
import java.net.InetSocketAddress;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.osgi.service.component.annotations.Activate;
import org.osgi.service.component.annotations.Component;
import org.osgi.service.component.annotations.Reference;

/** The {@code chronos} namespace: the peers of the Chronos network. */
@Component(property = RpcNamespace.NAME + "=chronos")
public final class ChronosNamespace implements RpcNamespace {
  private static final String CHRONOS = "chronos";

  /** Changes what the network knows of a peer; false when nothing changed. */
  private interface PeerChange {
    boolean apply(Network network, String url);
  }

  private final Map<String, RpcMethod> methods = new LinkedHashMap<>();
  private final Peers peers;

  /** Creates the methods. */
  @Activate
  public ChronosNamespace(@Reference Peers peers) {
    this.peers = peers;
    methods.put("chronos_peers", (p, s) -> peers());
    methods.put("chronos_addPeer", (p, s) -> change(p, Network::addPeer));
    methods.put("chronos_removePeer", (p, s) -> change(p, Network::removePeer));
  }

  @Override
  public Map<String, RpcMethod> methods() {
    return methods;
  }

  private Network network() throws RpcError {
    Network network = peers.network(CHRONOS);
    if (network == null) {
      throw RpcError.absence(
          "the node does not speak Chronos: it is not configured, or p2p-chronos not installed");
    }
    return network;
  }

  /** Returns whether something has changed. */
  private boolean change(List<Object> params, PeerChange change) throws RpcError {
    Object url = new Params(params).optional(0);
    if (!(url instanceof String text)) {
      throw RpcError.invalidParams("HOST:PORT of a peer is missing");
    }
    Network network = network();
    try {
      return change.apply(network, text);
    } catch (IllegalArgumentException malformed) {
      throw RpcError.invalidParams("invalid peer: " + malformed.getMessage());
    }
  }

  private List<Map<String, Object>> peers() throws RpcError {
    return network().peers().stream().map(ChronosNamespace::peer).toList();
  }

  private static Map<String, Object> peer(PeerInfo peer) {
    Map<String, Object> out = new LinkedHashMap<>();
    out.put("peer", peer.url());
    out.put("address", peer.id().value());
    out.put("localAddress", address(peer.local()));
    out.put("remoteAddress", address(peer.remote()));
    out.put("inbound", peer.inbound());
    out.put("configured", peer.configured());
    Map<String, Object> stated = peer.protocols().getOrDefault(CHRONOS, Map.of());
    if (stated.get("height") instanceof Long height) {
      out.put("height", Hex.quantity(height));
    }
    if (stated.get("timestamp") instanceof Long timestamp) {
      out.put("timestamp", Hex.quantity(timestamp));
    }
    for (String direction : new String[] {"sent", "received"}) {
      if (stated.get(direction) instanceof Map<?, ?> messages) {
        out.put(direction, messages);
      }
    }
    ChainHead head = peer.head();
    if (head != null) {
      Map<String, Object> latest = new LinkedHashMap<>();
      latest.put("hash", head.hash().toString());
      if (head.number() != null) {
        latest.put("number", Hex.quantity(head.number()));
      }
      out.put("latestBlock", latest);
    }
    return out;
  }

  private static String address(InetSocketAddress address) {
    String host = address.getHostString();
    return (host.contains(":") ? "[" + host + "]" : host) + ":" + address.getPort();
  }
}
