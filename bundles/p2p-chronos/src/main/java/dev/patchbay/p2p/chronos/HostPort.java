// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.p2p.chronos;

import dev.patchbay.primitives.Hex;
import java.net.InetSocketAddress;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * Where a node listens.
 *
 * @param host a name or an IP address
 * @param port its port, 1 to 65,535
 */
record HostPort(String host, int port) {
  private static final Pattern FORM =
      Pattern.compile("(?:\\[([0-9a-fA-F:.]+)]|([A-Za-z0-9._-]{1,253})):([0-9]{1,5})");

  private static final int MAX_PORT = 65_535;

  /**
   * Reads {@code HOST:PORT} or {@code [IPv6]:PORT}.
   *
   * @throws IllegalArgumentException when it has another form; the message shows it
   */
  static HostPort parse(String text) {
    Matcher matcher = FORM.matcher(text);
    if (matcher.matches()) {
      String host = matcher.group(1) == null ? matcher.group(2) : matcher.group(1);
      int port = Integer.parseInt(matcher.group(3));
      if (port >= 1 && port <= MAX_PORT) {
        return new HostPort(host, port);
      }
    }
    throw new IllegalArgumentException("must be HOST:PORT, not '" + Hex.shown(text) + "'");
  }

  /** Returns the text of a socket address, without a look-up. */
  static String text(InetSocketAddress address) {
    return text(
        address.getAddress() == null
            ? address.getHostString()
            : address.getAddress().getHostAddress(),
        address.getPort());
  }

  private static String text(String host, int port) {
    return (host.contains(":") ? "[" + host + "]" : host) + ":" + port;
  }

  @Override
  public String toString() {
    return text(host, port);
  }
}
