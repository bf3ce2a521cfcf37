// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.rpc.admin;

import dev.patchbay.api.chain.ChainReader;
import dev.patchbay.api.p2p.Capability;
import dev.patchbay.api.p2p.LocalNode;
import dev.patchbay.api.p2p.Network;
import dev.patchbay.api.p2p.PeerInfo;
import dev.patchbay.api.p2p.Peers;
import dev.patchbay.api.rpc.RpcError;
import dev.patchbay.api.rpc.RpcMethod;
import dev.patchbay.api.rpc.RpcNamespace;
import dev.patchbay.primitives.Block;
import dev.patchbay.primitives.Bytes;
import dev.patchbay.primitives.Hex;
import dev.patchbay.primitives.UInt256;
import dev.patchbay.rpc.codec.Params;
import java.net.InetSocketAddress;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;
import org.osgi.framework.BundleContext;
import org.osgi.service.component.annotations.Activate;
import org.osgi.service.component.annotations.Component;
import org.osgi.service.component.annotations.Reference;

/** The {@code admin} namespace: this node, and its peers on devp2p. */
@Component(property = RpcNamespace.NAME + "=admin")
public final class AdminNamespace implements RpcNamespace {
  private static final String DEVP2P = "devp2p";
  private static final LocalNode NO_NODE = new LocalNode("", "", null, "", 0, 0);

  /**
   * An enode URL with or without an address, or a node record, as geth reads them. What is
   * well-formed is checked by the network; without one a typing error is seen, too.
   */
  private static final Pattern NODE =
      Pattern.compile(
          "enode://[0-9a-fA-F]{128}(@[^@]+:[0-9]{1,5}(\\?discport=[0-9]{1,5})?)?"
              + "|enr:[A-Za-z0-9_-]+");

  private static final String FORMS =
      "a node is enode://<128 hexadecimal digits>@<host>:<port>[?discport=<port>], or a node record"
          + " enr:…";

  /** Changes what a network knows of a peer; false when nothing changed. */
  private interface PeerChange {
    boolean apply(Network network, String url);
  }

  private final Map<String, RpcMethod> methods = new LinkedHashMap<>();
  private final ChainReader chain;
  private final Peers peers;
  private final String version;

  /** Makes the methods. */
  @Activate
  public AdminNamespace(
      BundleContext context, @Reference ChainReader chain, @Reference Peers peers) {
    this.chain = chain;
    this.peers = peers;
    version = "Patchbay/v" + context.getBundle().getVersion();
    String data = context.getProperty("patchbay.data");
    methods.put("admin_nodeInfo", (p, s) -> nodeInfo());
    methods.put("admin_peers", (p, s) -> peers());
    methods.put("admin_disconnects", (p, s) -> peers.disconnects());
    methods.put("admin_datadir", (p, s) -> data);
    methods.put("admin_addPeer", (p, s) -> change(p, Network::addPeer));
    methods.put("admin_removePeer", (p, s) -> change(p, Network::removePeer));
    methods.put("admin_addTrustedPeer", (p, s) -> change(p, Network::addTrustedPeer));
    methods.put("admin_removeTrustedPeer", (p, s) -> change(p, Network::removeTrustedPeer));
  }

  @Override
  public Map<String, RpcMethod> methods() {
    return methods;
  }

  private @Nullable Network devp2p() {
    return peers.network(DEVP2P);
  }

  /**
   * Returns true as geth does when the peer was added or removed before.
   *
   * @throws RpcError when the node is malformed, or there is no network
   */
  private boolean change(List<Object> params, PeerChange change) throws RpcError {
    Object node = new Params(params).optional(0);
    if (!(node instanceof String text) || !NODE.matcher(text).matches()) {
      throw RpcError.invalidParams(
          node == null
              ? "invalid enode: no node is named; " + FORMS
              : "invalid enode: " + Hex.shown(String.valueOf(node)) + "; " + FORMS);
    }
    Network network = devp2p();
    if (network == null) {
      throw RpcError.absence(
          "the node does not speak devp2p: it was started with --p2p off, or p2p-devp2p is not"
              + " installed");
    }
    try {
      change.apply(network, text);
      return true;
    } catch (IllegalArgumentException malformed) {
      String reason = String.valueOf(malformed.getMessage()); // which names the node
      throw RpcError.invalidParams(
          reason.startsWith("invalid ") ? reason : "invalid enode: " + reason);
    }
  }

  private List<Map<String, Object>> peers() {
    Network network = devp2p();
    return network == null
        ? List.of()
        : network.peers().stream().map(AdminNamespace::peer).toList();
  }

  /** Returns a peer in the shape of geth's {@code PeerInfo}. */
  private static Map<String, Object> peer(PeerInfo peer) {
    Map<String, Object> connection = new LinkedHashMap<>();
    connection.put("localAddress", address(peer.local()));
    connection.put("remoteAddress", address(peer.remote()));
    connection.put("inbound", peer.inbound());
    connection.put("trusted", peer.trusted());
    connection.put("static", peer.configured());
    Map<String, Object> out = new LinkedHashMap<>();
    out.put("enode", peer.url());
    out.put("id", nodeId(peer.id().value()));
    out.put("name", peer.clientId());
    out.put("caps", peer.capabilities().stream().map(Capability::toString).toList());
    out.put("network", connection);
    out.put("protocols", peer.protocols());
    return out;
  }

  private static String address(InetSocketAddress address) {
    String host = address.getHostString();
    return (host.contains(":") ? "[" + host + "]" : host) + ":" + address.getPort();
  }

  /** Returns the hash of a public key, by which the field names nodes. */
  private static String nodeId(String publicKey) {
    return publicKey.isEmpty()
        ? ""
        : Bytes.fromHex("0x" + publicKey).keccak().toString().substring(2);
  }

  private Object nodeInfo() {
    Block head = chain.head();
    Map<String, Object> eth = new LinkedHashMap<>();
    eth.put("network", number(chain.networkId()));
    UInt256 difficulty = chain.totalDifficulty(head.hash());
    if (difficulty != null) {
      eth.put("difficulty", number(difficulty));
    }
    eth.put("genesis", chain.genesis().hash().toString());
    eth.put("config", ConfigJson.of(chain.config()));
    eth.put("head", head.hash().toString());
    Network network = devp2p();
    LocalNode node = network == null ? NO_NODE : network.localNode();
    String listening =
        node.tcpPort() == 0
            ? ""
            : address(InetSocketAddress.createUnresolved(node.host(), node.tcpPort()));
    Map<String, @Nullable Object> out = new LinkedHashMap<>();
    out.put("id", nodeId(node.id()));
    out.put("name", version);
    out.put("enode", node.url());
    out.put("enr", node.record() == null ? "" : node.record());
    out.put("ip", node.host());
    out.put("ports", Map.of("discovery", node.udpPort(), "listener", node.tcpPort()));
    out.put("listenAddr", listening);
    out.put("protocols", Map.of("eth", eth));
    return out;
  }

  /** Returns a number as JSON has it. */
  static Object number(UInt256 value) {
    return value.fitsLong() && value.longValue() >= 0
        ? (Object) value.longValue()
        : value.toBigInteger();
  }
}
