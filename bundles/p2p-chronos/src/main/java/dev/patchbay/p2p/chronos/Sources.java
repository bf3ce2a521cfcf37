// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.p2p.chronos;

import dev.patchbay.primitives.Bytes;
import java.net.Inet4Address;
import java.net.Inet6Address;
import java.net.InetAddress;
import java.util.Arrays;

/** By what the limits of connections count IP addresses. Threading: stateless. */
final class Sources {
  private static final int SUBNET_BYTES_4 = 3;
  private static final int SUBNET_BYTES_6 = 8;

  private Sources() {}

  /** Returns whether an address is of a private network, link-local, or loopback. */
  static boolean isPrivate(InetAddress address) {
    return address.isLoopbackAddress()
        || address.isSiteLocalAddress()
        || address.isLinkLocalAddress()
        || address instanceof Inet6Address && (address.getAddress()[0] & 0xfe) == 0xfc;
  }

  /**
   * Returns the bytes that the addresses of one host have in common: all of them, or those of the
   * /64 of an IPv6 address outside of private networks.
   */
  static Bytes host(InetAddress address) {
    return address instanceof Inet4Address || isPrivate(address)
        ? Bytes.wrap(address.getAddress())
        : subnet(address);
  }

  /** Returns the bytes of the /24 of an IPv4 address, or of the /64 of an IPv6 address. */
  static Bytes subnet(InetAddress address) {
    int length = address instanceof Inet4Address ? SUBNET_BYTES_4 : SUBNET_BYTES_6;
    return Bytes.wrap(Arrays.copyOf(address.getAddress(), length));
  }
}
