// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.p2p.devp2p.discovery;

import dev.patchbay.primitives.Bytes;
import java.net.Inet4Address;
import java.net.InetAddress;
import java.util.Arrays;
import java.util.HashMap;
import java.util.Map;

/**
 * Counts addresses by subnet, so that one operator of many addresses fills only a part of a table:
 * /24 for IPv4, /32 for IPv6, the smallest blocks that registries route or allocate. Addresses of
 * private networks are not limited.
 */
public final class Subnets {
  private final int max;
  private final Map<Bytes, Integer> counts = new HashMap<>();

  /**
   * Creates an empty count.
   *
   * @param max addresses of a subnet
   */
  Subnets(int max) {
    this.max = max;
  }

  /** Returns the prefix that all addresses of a subnet share. */
  public static Bytes prefix(InetAddress address) {
    int length = address instanceof Inet4Address ? 3 : 4;
    return Bytes.wrap(Arrays.copyOf(address.getAddress(), length));
  }

  /** Returns whether one more address of the subnet is allowed. */
  boolean allows(InetAddress address) {
    return Addresses.isLan(address) || counts.getOrDefault(prefix(address), 0) < max;
  }

  /** Counts an address, also when there are too many. */
  void add(InetAddress address) {
    if (!Addresses.isLan(address)) {
      counts.merge(prefix(address), 1, Integer::sum);
    }
  }

  /** Takes back an {@link #add}. */
  void remove(InetAddress address) {
    if (!Addresses.isLan(address)) {
      counts.computeIfPresent(prefix(address), (prefix, count) -> count == 1 ? null : count - 1);
    }
  }
}
