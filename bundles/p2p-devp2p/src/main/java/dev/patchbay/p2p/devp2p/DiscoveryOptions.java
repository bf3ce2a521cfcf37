// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.p2p.devp2p;

import dev.patchbay.p2p.devp2p.discovery.Addresses;
import dev.patchbay.p2p.devp2p.discovery.DnsListLink;
import dev.patchbay.p2p.devp2p.discovery.NodeRecord;
import dev.patchbay.primitives.Hex;
import io.netty.util.NetUtil;
import java.net.InetAddress;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * The checked configuration of node discovery, and of the address that other nodes see. Immutable.
 *
 * @param v4 whether version 4 runs
 * @param v5 whether version 5.1 runs
 * @param dnsLists node lists in the DNS, {@code enrtree://…}
 * @param externalAddress address under which other nodes reach this one; null to predict it
 * @param bootRecords those of the boot nodes that are given as node records
 */
record DiscoveryOptions(
    boolean v4,
    boolean v5,
    List<String> dnsLists,
    @Nullable InetAddress externalAddress,
    List<NodeRecord> bootRecords) {
  private static final String EXTERNAL_IP = "extip:";

  /**
   * Checks a configuration.
   *
   * @throws IllegalArgumentException when a value is invalid; the message names the key
   */
  static DiscoveryOptions of(DevP2pComponent.Config config) {
    boolean v4 = false;
    boolean v5 = false;
    List<String> versions = DevP2pSettings.split(config.discovery());
    if (versions.isEmpty()) {
      throw invalidVersions("''");
    }
    for (String version : versions) {
      switch (version) {
        case "v4" -> v4 = true;
        case "v5" -> v5 = true;
        case "off" -> {
          if (versions.size() > 1) {
            throw invalidVersions(String.join(",", versions));
          }
        }
        default -> throw invalidVersions(version);
      }
    }
    List<String> lists = dnsLists(config);
    if (!lists.isEmpty() && !v4 && !v5) {
      throw DevP2pSettings.invalid(
          "dns",
          "needs node discovery: set "
              + DevP2pSettings.optionOf("discovery")
              + " to v4,v5, or remove "
              + lists.get(0));
    }
    return new DiscoveryOptions(
        v4, v5, lists, externalAddress(config.nat()), bootRecords(config.boot_nodes()));
  }

  private static IllegalArgumentException invalidVersions(String value) {
    return DevP2pSettings.invalid("discovery", "must be v4, v5, v4,v5 or off, not " + shown(value));
  }

  private static List<String> dnsLists(DevP2pComponent.Config config) {
    List<String> lists = DevP2pSettings.split(config.dns());
    for (String list : lists) {
      try {
        DnsListLink.parse(list);
      } catch (IllegalArgumentException malformed) {
        throw DevP2pSettings.invalid("dns", String.valueOf(malformed.getMessage()));
      }
    }
    return lists;
  }

  private static @Nullable InetAddress externalAddress(String nat) {
    String value = nat.strip();
    if (value.isEmpty() || value.equals("none")) {
      return null;
    }
    if (!value.startsWith(EXTERNAL_IP)) {
      throw DevP2pSettings.invalid(
          "nat",
          "must be none or extip:ADDRESS, not "
              + shown(value)
              + "; no router is asked: forward the TCP and the UDP port in the router, and name its"
              + " external address");
    }
    String address = value.substring(EXTERNAL_IP.length());
    byte[] bytes = NetUtil.createByteArrayFromIpAddressString(address);
    if (bytes == null) {
      throw DevP2pSettings.invalid(
          "nat",
          "must have an IP address after extip:, such as extip:203.0.113.7, not " + shown(address));
    }
    return Addresses.of(bytes);
  }

  private static List<NodeRecord> bootRecords(String[] values) {
    List<NodeRecord> out = new ArrayList<>();
    for (String value : DevP2pSettings.split(values)) {
      if (value.startsWith(NodeUrl.RECORD)) { // well-formed: DevP2pSettings has read it
        out.add(NodeRecord.parse(value));
      }
    }
    return out;
  }

  private static String shown(String value) {
    return Hex.shown(value);
  }

  /** Returns whether node discovery runs. */
  boolean isOn() {
    return v4 || v5;
  }

  /** Returns the versions as the configuration names them. */
  String versions() {
    return v4 && v5 ? "v4,v5" : v4 ? "v4" : v5 ? "v5" : "off";
  }
}
