// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.p2p.devp2p;

import dev.patchbay.primitives.Hex;
import io.netty.util.NetUtil;
import java.net.InetAddress;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;

/** The networks whose addresses may be peers; all addresses when there are none. Immutable. */
final class NetRestrict {
  /**
   * A range of addresses in CIDR notation (RFC 4632).
   *
   * @param prefix 4 or 16 bytes
   * @param bits how many of them are the same in all addresses
   */
  private record Range(byte[] prefix, int bits) {
    boolean contains(byte[] address) {
      if (address.length != prefix.length) {
        return false;
      }
      for (int bit = 0; bit < bits; bit++) {
        int mask = 0x80 >>> (bit & 7);
        if (((address[bit >> 3] ^ prefix[bit >> 3]) & mask) != 0) {
          return false;
        }
      }
      return true;
    }
  }

  private final List<Range> ranges = new ArrayList<>();

  /**
   * Reads networks such as {@code 10.0.0.0/8} and {@code fd00::/8}; an address without a length is
   * a network of one.
   *
   * @throws IllegalArgumentException when one is malformed; the message names it
   */
  NetRestrict(Collection<String> networks) {
    networks.forEach(network -> ranges.add(range(network)));
  }

  private static Range range(String network) {
    int slash = network.indexOf('/');
    byte[] prefix =
        NetUtil.createByteArrayFromIpAddressString(
            slash < 0 ? network : network.substring(0, slash));
    String digits = slash < 0 ? "" : network.substring(slash + 1);
    if (prefix == null || slash >= 0 && !digits.matches("\\d{1,3}")) {
      throw new IllegalArgumentException(
          Hex.shown(network) + " is not a network such as 10.0.0.0/8");
    }
    int bits = slash < 0 ? prefix.length * 8 : Integer.parseInt(digits);
    if (bits > prefix.length * 8) {
      throw new IllegalArgumentException(
          Hex.shown(network) + " has a length of more than " + prefix.length * 8 + " bits");
    }
    return new Range(prefix, bits);
  }

  /** Returns whether an address may be a peer. */
  boolean allows(InetAddress address) {
    byte[] bytes = address.getAddress(); // the JDK has IPv4 in IPv6 as 4 bytes
    return ranges.isEmpty() || ranges.stream().anyMatch(range -> range.contains(bytes));
  }
}
