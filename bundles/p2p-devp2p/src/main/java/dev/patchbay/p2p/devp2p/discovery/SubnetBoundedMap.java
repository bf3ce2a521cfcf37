// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.p2p.devp2p.discovery;

import dev.patchbay.primitives.Bytes;
import java.net.InetAddress;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.Map;
import java.util.Set;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/**
 * A map of what other nodes can add entries to. It is bounded in total and by the {@link Subnets
 * subnet} of a node: a host with many node ids evicts entries of its own subnet only. Addresses of
 * private networks count in total only.
 *
 * @param <K> type of the keys
 * @param <V> type of the values
 */
final class SubnetBoundedMap<K, V> {
  private final int max;
  private final int maxPerSubnet;
  private final Function<K, InetAddress> address;

  /** The entry that was put first at the beginning. */
  private final Map<K, V> entries = new LinkedHashMap<>();

  /** The keys of each subnet, in the order of {@link #entries}. */
  private final Map<Bytes, Set<K>> subnets = new HashMap<>();

  /**
   * Creates an empty map.
   *
   * @param max greatest number of entries
   * @param maxPerSubnet greatest number of entries of a subnet
   * @param address returns the address of the node of a key
   */
  SubnetBoundedMap(int max, int maxPerSubnet, Function<K, InetAddress> address) {
    this.max = max;
    this.maxPerSubnet = maxPerSubnet;
    this.address = address;
  }

  /** Returns the value of a key; null when there is none. */
  @Nullable V get(K key) {
    return entries.get(key);
  }

  /**
   * Sets the value of a key, which becomes the last one to be evicted. Evicts the first entry of
   * its subnet, or of the map, when there is no place.
   */
  void put(K key, V value) {
    remove(key);
    Bytes subnet = subnet(key);
    Set<K> neighbors = subnet == null ? null : subnets.get(subnet);
    if (neighbors != null && neighbors.size() >= maxPerSubnet) {
      remove(neighbors.iterator().next());
    }
    if (entries.size() >= max) {
      remove(entries.keySet().iterator().next());
    }
    entries.put(key, value);
    if (subnet != null) {
      subnets.computeIfAbsent(subnet, added -> new LinkedHashSet<>()).add(key);
    }
  }

  /** Removes an entry; does nothing when there is none. */
  void remove(K key) {
    Bytes subnet = entries.remove(key) == null ? null : subnet(key);
    if (subnet != null) {
      subnets.computeIfPresent(
          subnet,
          (same, keys) -> {
            keys.remove(key);
            return keys.isEmpty() ? null : keys;
          });
    }
  }

  /** Returns the subnet that bounds an entry; null for a private network. */
  private @Nullable Bytes subnet(K key) {
    InetAddress of = address.apply(key);
    return Addresses.isLan(of) ? null : Subnets.prefix(of);
  }

  /** Returns the number of entries. */
  int size() {
    return entries.size();
  }
}
