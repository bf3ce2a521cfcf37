// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.p2p.devp2p;

import dev.patchbay.binding.ConfigurationValues;
import io.netty.util.NetUtil;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.function.Function;
import java.util.function.Predicate;

/**
 * The checked configuration of the network.
 *
 * @param host address to listen on; {@code 0.0.0.0} or {@code ::} for all
 * @param port port to listen on; 0 for any free one, -1 for none
 * @param maxPeers greatest number of peers, trusted ones not counted
 * @param staticNodes nodes to connect to
 * @param trustedNodes nodes that are exempt from the limit of peers
 * @param bootNodes nodes to connect to, which discovery uses too; some may have a UDP port only
 * @param networks addresses that may be peers
 */
record DevP2pSettings(
    String host,
    int port,
    int maxPeers,
    List<NodeUrl> staticNodes,
    List<NodeUrl> trustedNodes,
    List<NodeUrl> bootNodes,
    NetRestrict networks) {
  static final int NO_PORT = -1;

  /** The options of the launcher by the keys that it writes them into. */
  private static final Map<String, String> OPTIONS =
      Map.of(
          "host", "--p2p-host",
          "port", "--p2p-port",
          "max.peers", "--max-peers",
          "static.nodes", "--static-nodes",
          "trusted.nodes", "--trusted-nodes",
          "boot.nodes", "--bootnodes",
          "discovery", "--discovery",
          "dns", "--dns",
          "nat", "--nat",
          "netrestrict", "--netrestrict");

  private static final int MAX_PORT = 65_535;
  private static final int MAX_PEERS = 1_000;

  /**
   * Checks a configuration.
   *
   * @param given the values as they were given, by key, for messages
   * @throws IllegalArgumentException when a value is invalid; the message names option and key
   */
  static DevP2pSettings of(DevP2pComponent.Config config, Map<String, ?> given) {
    ConfigurationValues values = values(given);
    if (NetUtil.createByteArrayFromIpAddressString(config.host()) == null) {
      throw invalid("host", "must be an IP address such as 0.0.0.0, not " + config.host());
    }
    List<String> networks = split(config.netrestrict());
    NetRestrict restrict;
    try {
      restrict = new NetRestrict(networks);
    } catch (IllegalArgumentException malformed) {
      throw invalid("netrestrict", String.valueOf(malformed.getMessage()));
    }
    return new DevP2pSettings(
        config.host(),
        values.integer("port", config::port, NO_PORT, MAX_PORT),
        values.integer("max.peers", config::max_peers, 0, MAX_PEERS),
        nodes("static.nodes", config.static_nodes(), NodeUrl::isDialable),
        nodes("trusted.nodes", config.trusted_nodes(), url -> true),
        nodes("boot.nodes", config.boot_nodes(), url -> url.isDialable() || url.udpPort() != 0),
        restrict);
  }

  /** Returns the reader of the values of a configuration. */
  private static ConfigurationValues values(Map<String, ?> given) {
    return ConfigurationValues.of(DevP2pComponent.NAME, given, OPTIONS);
  }

  private static List<NodeUrl> nodes(String key, String[] values, Predicate<NodeUrl> usable) {
    Function<String, NodeUrl> read =
        text -> {
          try {
            NodeUrl url = NodeUrl.parse(text);
            if (!usable.test(url)) {
              throw new IllegalArgumentException(url + " has no address to dial");
            }
            return url;
          } catch (IllegalArgumentException malformed) {
            throw invalid(key, String.valueOf(malformed.getMessage()));
          }
        };
    return split(values).stream().map(read).toList();
  }

  /** Splits at commas and white space: a configuration file has one line for a list. */
  static List<String> split(String[] values) {
    List<String> out = new ArrayList<>();
    for (String value : values) {
      for (String part : value.split("[,\\s]+")) {
        if (!part.isEmpty()) {
          out.add(part);
        }
      }
    }
    return out;
  }

  /** Returns the failure of a key; {@code why} says which value is wrong. */
  static IllegalArgumentException invalid(String key, String why) {
    return values(Map.of()).unusable(key, why);
  }

  /** Returns the option of the launcher for a key, and the key, as a message names them. */
  static String optionOf(String key) {
    return values(Map.of()).optionOf(key);
  }
}
