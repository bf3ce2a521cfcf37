// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.p2p.devp2p.discovery;

import dev.patchbay.primitives.Bytes;
import java.net.Inet4Address;
import java.net.Inet6Address;
import java.net.InetAddress;
import java.net.UnknownHostException;
import java.util.Arrays;

/**
 * The classes of IP addresses that discovery distinguishes, by the IANA special-purpose registries
 * (RFC 6890). Threading: any thread.
 */
public final class Addresses {
  private Addresses() {}

  /**
   * Returns the address with these bytes.
   *
   * @param bytes 4 or 16 bytes; an IPv4-mapped IPv6 address becomes an IPv4 address
   * @throws IllegalArgumentException when there is another number of bytes
   */
  public static InetAddress of(byte[] bytes) {
    if (bytes.length != 4 && bytes.length != 16) {
      throw new IllegalArgumentException("an IP address has 4 or 16 bytes, not " + bytes.length);
    }
    try {
      return InetAddress.getByAddress(bytes);
    } catch (UnknownHostException impossible) {
      throw new IllegalArgumentException("an IP address has 4 or 16 bytes");
    }
  }

  /**
   * Returns by what the limits for one host count: an IPv4 address, or the first 8 bytes of an IPv6
   * address, since a host may have all addresses of a /64.
   */
  public static Bytes source(InetAddress address) {
    byte[] bytes = address.getAddress();
    return Bytes.wrap(address instanceof Inet4Address ? bytes : Arrays.copyOf(bytes, 8));
  }

  /** Returns whether an address is of a private network, link-local, or loopback. */
  public static boolean isLan(InetAddress address) {
    return address.isLoopbackAddress()
        || address.isSiteLocalAddress()
        || address.isLinkLocalAddress()
        || address instanceof Inet6Address && (address.getAddress()[0] & 0xfe) == 0xfc;
  }

  /** Returns whether an address cannot be the address of a node. */
  static boolean isSpecial(InetAddress address) {
    if (address.isAnyLocalAddress() || address.isMulticastAddress()) {
      return true;
    }
    byte[] bytes = address.getAddress();
    return address instanceof Inet4Address ? isSpecial4(bytes) : isSpecial6(bytes);
  }

  private static boolean isSpecial4(byte[] bytes) {
    int first = bytes[0] & 0xff;
    int second = bytes[1] & 0xff;
    int third = bytes[2] & 0xff;
    return first == 0
        || first >= 240
        || first == 192 && second == 0 && (third == 0 || third == 2)
        || first == 198 && (second & 0xfe) == 18
        || first == 198 && second == 51 && third == 100
        || first == 203 && second == 0 && third == 113;
  }

  private static boolean isSpecial6(byte[] bytes) {
    boolean documentation =
        bytes[0] == 0x20 && bytes[1] == 0x01 && bytes[2] == 0x0d && (bytes[3] & 0xff) == 0xb8;
    boolean discardOnly = bytes[0] == 0x01 && bytes[1] == 0;
    return documentation || discardOnly;
  }

  /**
   * Returns whether a sender may name an address as the address of a node. A sender in the internet
   * must not make this node send packets into a private network.
   */
  static boolean isRelayable(InetAddress sender, InetAddress address) {
    if (isSpecial(address)) {
      return false;
    }
    if (address.isLoopbackAddress()) {
      return sender.isLoopbackAddress();
    }
    return !isLan(address) || isLan(sender);
  }
}
