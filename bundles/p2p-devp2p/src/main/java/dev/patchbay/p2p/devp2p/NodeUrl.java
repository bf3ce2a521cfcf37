// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.p2p.devp2p;

import dev.patchbay.p2p.devp2p.discovery.Addresses;
import dev.patchbay.p2p.devp2p.discovery.Node;
import dev.patchbay.p2p.devp2p.discovery.NodeRecord;
import dev.patchbay.p2p.devp2p.rlpx.NodeId;
import dev.patchbay.primitives.Hex;
import io.netty.util.NetUtil;
import java.net.InetAddress;
import java.util.Locale;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/**
 * The URL of a node (devp2p, enode.md): {@code enode://<128 digits>@<host>:<tcp>[?discport=<udp>]},
 * or {@code enode://<128 digits>} for a node whose address is not known.
 *
 * @param id the node
 * @param host an IPv4 address, an IPv6 address without brackets, or a DNS name in lower case; null
 *     when not known
 * @param tcpPort port of RLPx, 0 to 65535; 0 when the node does not listen, or the host is null
 * @param udpPort port of discovery, 0 to 65535; 0 when the node has none, or the host is null
 */
record NodeUrl(NodeId id, @Nullable String host, int tcpPort, int udpPort) {
  /** How the text of a node record begins. */
  static final String RECORD = "enr:";

  private static final String SCHEME = "enode://";

  /** Longest text that is read: 128 digits, a DNS name of 253 characters, ports. */
  private static final int MAX_CHARS = 512;

  private static final Pattern FORM =
      Pattern.compile(
          "enode://([0-9a-fA-F]{128})"
              + "(?:@(\\[[0-9a-fA-F:.]{2,45}\\]|[0-9a-zA-Z._-]{1,253}):(\\d{1,5})"
              + "(?:\\?discport=(\\d{1,5}))?)?");
  private static final Pattern DNS_NAME =
      Pattern.compile(
          "(?:[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?\\.)*"
              + "[a-z_](?:[a-z0-9_-]{0,61}[a-z0-9_])?\\.?");

  private static final int MAX_PORT = 65_535;

  /**
   * Reads a URL, or a node record (EIP-778) {@code enr:…}. Does not look up a DNS name.
   *
   * @throws IllegalArgumentException when it is malformed, or the id is not a point of the curve;
   *     the message shows at most 80 characters of it
   */
  static NodeUrl parse(String text) {
    if (text.startsWith(RECORD)) {
      return ofRecord(text);
    }
    Matcher form = FORM.matcher(text);
    if (text.length() > MAX_CHARS || !form.matches()) {
      throw malformed(
          text, "the form is enode://<128 hexadecimal digits>@<host>:<port>[?discport=<port>]");
    }
    NodeId id;
    try {
      id = NodeId.parse(form.group(1));
    } catch (IllegalArgumentException invalid) {
      throw malformed(text, String.valueOf(invalid.getMessage()));
    }
    String host = form.group(2);
    if (host == null) {
      return new NodeUrl(id, null, 0, 0);
    }
    int tcpPort = port(text, form.group(3));
    int udpPort = form.group(4) == null ? tcpPort : port(text, form.group(4));
    return new NodeUrl(id, host(text, host), tcpPort, udpPort);
  }

  private static NodeUrl ofRecord(String text) {
    try {
      NodeRecord record = NodeRecord.parse(text);
      Node node = record.node();
      return node == null ? new NodeUrl(new NodeId(record.publicKey()), null, 0, 0) : of(node);
    } catch (IllegalArgumentException malformed) {
      throw new IllegalArgumentException(
          "invalid node record " + Hex.shown(text) + ": " + malformed.getMessage());
    }
  }

  /**
   * Returns the URL of a node that was discovered.
   *
   * @throws IllegalArgumentException when its key is not a point of the curve
   */
  static NodeUrl of(Node node) {
    String host = NetUtil.toAddressString(node.address());
    return new NodeUrl(new NodeId(node.publicKey()), host, node.tcpPort(), node.udpPort());
  }

  private static String host(String text, String host) {
    if (host.startsWith("[")) {
      String address = host.substring(1, host.length() - 1);
      if (!NetUtil.isValidIpV6Address(address)) {
        throw malformed(text, "the address in brackets is not an IPv6 address");
      }
      return address.toLowerCase(Locale.ROOT);
    }
    String name = host.toLowerCase(Locale.ROOT);
    if (!NetUtil.isValidIpV4Address(name) && !DNS_NAME.matcher(name).matches()) {
      throw malformed(text, "the host is neither an address nor a DNS name");
    }
    return name;
  }

  private static int port(String text, String digits) {
    int port = Integer.parseInt(digits);
    if (port > MAX_PORT) {
      throw malformed(text, "a port is at most " + MAX_PORT);
    }
    return port;
  }

  private static IllegalArgumentException malformed(String text, String why) {
    return new IllegalArgumentException("invalid enode URL " + Hex.shown(text) + ": " + why);
  }

  /** Returns whether the node can be dialed: it has an address and listens. */
  boolean isDialable() {
    return host != null && tcpPort > 0;
  }

  /**
   * Returns the address of the host; null when the host is a DNS name, or not known. Never looks up
   * a name.
   */
  @Nullable InetAddress literalAddress() {
    byte[] address = host == null ? null : NetUtil.createByteArrayFromIpAddressString(host);
    return address == null ? null : Addresses.of(address);
  }

  /** Returns the URL. */
  @Override
  public String toString() {
    if (host == null) {
      return SCHEME + id;
    }
    String shown = host.indexOf(':') >= 0 ? "[" + host + "]" : host;
    String query = udpPort == tcpPort ? "" : "?discport=" + udpPort;
    return SCHEME + id + "@" + shown + ":" + tcpPort + query;
  }
}
