// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.p2p.devp2p;

import dev.patchbay.api.p2p.LocalNode;
import dev.patchbay.p2p.devp2p.discovery.Node;
import dev.patchbay.p2p.devp2p.discovery.NodeRecord;
import dev.patchbay.p2p.devp2p.rlpx.NodeId;
import io.netty.util.NetUtil;
import java.net.InetAddress;
import java.net.NetworkInterface;
import java.net.SocketException;
import java.util.function.IntSupplier;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The id, address and ports of this node, as far as they are known: behind a router the address is
 * not.
 *
 * <p>Threading: any thread.
 */
final class LocalEndpoint {
  private static final Logger LOG = LoggerFactory.getLogger(LocalEndpoint.class);

  private final NodeId id;
  private final DevP2pSettings settings;
  private final IntSupplier tcpPort;
  private volatile @Nullable InetAddress externalAddress;

  /**
   * Creates an endpoint without an external address.
   *
   * @param tcpPort returns the port of RLPx; 0 while the node does not listen
   */
  LocalEndpoint(NodeId id, DevP2pSettings settings, IntSupplier tcpPort) {
    this.id = id;
    this.settings = settings;
    this.tcpPort = tcpPort;
  }

  /** Sets the address that the operator has named; null for none. */
  void setExternalAddress(@Nullable InetAddress address) {
    externalAddress = address;
  }

  /**
   * Describes the node. While it does not listen its URL has no address: with port 0 it would look
   * like one that others can use.
   *
   * @param record its node record; null while there is none
   * @param udpPort the port of discovery; 0 while there is none
   */
  LocalNode describe(@Nullable NodeRecord record, int udpPort) {
    String host = host(record);
    int port = tcpPort.getAsInt();
    // without a port there is nothing to dial: the URL is that of a node whose address is not known
    NodeUrl url = port == 0 ? new NodeUrl(id, null, 0, 0) : new NodeUrl(id, host, port, udpPort);
    String text = record == null ? null : record.toString();
    return new LocalNode(id.toString(), url.toString(), text, host, port, udpPort);
  }

  private String host(@Nullable NodeRecord record) {
    InetAddress external = externalAddress;
    if (external != null) {
      return NetUtil.toAddressString(external);
    }
    Node node = record == null ? null : record.node();
    if (node != null) {
      return NetUtil.toAddressString(node.address());
    }
    boolean any = settings.host().equals("0.0.0.0") || settings.host().equals("::");
    return any ? "127.0.0.1" : settings.host();
  }

  /**
   * Returns a warning when a configured node has the key of this node and is another one; null when
   * it has not. That a node is this one is logged.
   *
   * @param what the configuration key that names the node
   */
  @Nullable String copyOfKey(String what, NodeUrl url) {
    if (!url.id().equals(id)) {
      return null;
    }
    if (mayBe(url)) {
      LOG.info(
          "{}: {} {} is this node itself, and is not dialed",
          DevP2pComponent.NAME,
          DevP2pSettings.optionOf(what),
          url);
      return null;
    }
    return DevP2pSettings.optionOf(what)
        + ": "
        + url
        + " has the key of this node, and is not dialed. Two nodes must not share a key:"
        + " remove the file p2p_key of one of them";
  }

  /** Returns whether an endpoint may be that of this node. */
  private boolean mayBe(NodeUrl url) {
    int listening = tcpPort.getAsInt();
    int own = listening == 0 ? settings.port() : listening;
    InetAddress address = url.literalAddress();
    if (url.tcpPort() != own || address == null) {
      return url.tcpPort() == own;
    }
    try {
      return address.isLoopbackAddress()
          || address.isAnyLocalAddress()
          || address.equals(externalAddress)
          || NetworkInterface.getByInetAddress(address) != null;
    } catch (SocketException unknown) {
      return true;
    }
  }
}
