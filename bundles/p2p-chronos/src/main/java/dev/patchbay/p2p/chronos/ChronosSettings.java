// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.p2p.chronos;

import dev.patchbay.binding.ConfigurationValues;
import dev.patchbay.binding.InvalidConfigurationException;
import io.netty.util.NetUtil;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.util.LinkedHashSet;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * The checked configuration of the network.
 *
 * @param host address to listen on
 * @param port port to listen on; 0 for any free one, -1 for none
 * @param peers nodes to stay connected to
 * @param strict whether peers must state their chain
 * @param lines whether a frame is a line
 * @param confirmations how far below the head a block is confirmed; {@link LocalChain#AUTOMATIC}
 * @param tls files of TLS; null without it
 * @param maxConnections greatest number of peers
 */
record ChronosSettings(
    String host,
    int port,
    Set<HostPort> peers,
    boolean strict,
    boolean lines,
    int confirmations,
    @Nullable Tls tls,
    int maxConnections) {
  static final int NO_PORT = -1;

  private static final int MAX_PORT = 65_535;
  private static final int MAX_CONNECTIONS = 1_000;
  private static final int MAX_CONFIRMATIONS = 1_000_000;

  /** The files of TLS. */
  record Tls(Path certificate, Path key, Path trust) {}

  /**
   * Checks a configuration.
   *
   * @throws InvalidConfigurationException when a value is invalid; the message names configuration,
   *     key and value
   */
  static ChronosSettings of(ChronosComponent.Config config, ConfigurationValues values) {
    if (NetUtil.createByteArrayFromIpAddressString(config.host()) == null) {
      throw values.invalid("host", "an IP address such as 127.0.0.1");
    }
    return new ChronosSettings(
        config.host(),
        values.integer("port", config::port, NO_PORT, MAX_PORT),
        peers(config.peers(), values),
        values.flag("strict", config::strict),
        values.flag("newline", config::newline),
        confirmations(config.confirmations(), values),
        tls(config, values),
        values.integer("max.connections", config::max_connections, 1, MAX_CONNECTIONS));
  }

  private static Set<HostPort> peers(String[] nodes, ConfigurationValues values) {
    Set<HostPort> out = new LinkedHashSet<>();
    for (String list : nodes) {
      for (String node : list.split("[,\\s]+")) {
        if (!node.isEmpty()) {
          try {
            out.add(HostPort.parse(node));
          } catch (IllegalArgumentException malformed) {
            throw values.unusable("peers", String.valueOf(malformed.getMessage()));
          }
        }
      }
    }
    return out;
  }

  private static int confirmations(String value, ConfigurationValues values) {
    if (value.strip().equals("auto")) {
      return LocalChain.AUTOMATIC;
    }
    try {
      return values.integer(
          "confirmations", () -> Integer.parseInt(value.strip()), 0, MAX_CONFIRMATIONS);
    } catch (InvalidConfigurationException invalid) {
      throw values.invalid("confirmations", "auto, or a number between 0 and " + MAX_CONFIRMATIONS);
    }
  }

  private static @Nullable Tls tls(ChronosComponent.Config config, ConfigurationValues values) {
    if ((config.tls_certificate() + config.tls_key() + config.tls_trust()).isBlank()) {
      return null;
    }
    return new Tls(
        file("tls.certificate", config.tls_certificate(), values),
        file("tls.key", config.tls_key(), values),
        file("tls.trust", config.tls_trust(), values));
  }

  private static Path file(String key, String path, ConfigurationValues values) {
    if (path.isBlank()) {
      throw values.unusable(key, "is missing; TLS needs tls.certificate, tls.key and tls.trust");
    }
    try {
      return Path.of(path.strip());
    } catch (InvalidPathException malformed) {
      throw values.invalid(key, "the path of a file");
    }
  }
}
