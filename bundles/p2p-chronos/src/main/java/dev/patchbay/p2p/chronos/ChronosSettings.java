// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.p2p.chronos;

import dev.patchbay.primitives.Hex;
import io.netty.util.NetUtil;
import java.nio.file.Path;
import java.util.LinkedHashSet;
import java.util.Map;
import java.util.Set;
import java.util.function.BooleanSupplier;
import java.util.function.IntSupplier;
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
 * @param maxConnections greatest number of connections
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
   * @param values the values as they were given, by key, for messages
   * @throws IllegalArgumentException when a value is invalid; the message names key and value
   */
  static ChronosSettings of(ChronosComponent.Config config, Map<String, ?> values) {
    if (NetUtil.createByteArrayFromIpAddressString(config.host()) == null) {
      throw invalid(
          "host", "must be an IP address such as 127.0.0.1, not " + Hex.shown(config.host()));
    }
    return new ChronosSettings(
        config.host(),
        inRange("port", number("port", config::port, values), NO_PORT, MAX_PORT),
        peers(config.peers()),
        flag("strict", config::strict, values),
        flag("newline", config::newline, values),
        confirmations(config.confirmations()),
        tls(config),
        inRange(
            "max.connections",
            number("max.connections", config::max_connections, values),
            1,
            MAX_CONNECTIONS));
  }

  private static Set<HostPort> peers(String[] values) {
    Set<HostPort> out = new LinkedHashSet<>();
    for (String value : values) {
      for (String part : value.split("[,\\s]+")) {
        if (!part.isEmpty()) {
          try {
            out.add(HostPort.parse(part));
          } catch (IllegalArgumentException malformed) {
            throw invalid("peers", String.valueOf(malformed.getMessage()));
          }
        }
      }
    }
    return out;
  }

  private static int confirmations(String value) {
    if (value.equals("auto")) {
      return LocalChain.AUTOMATIC;
    }
    try {
      return inRange("confirmations", Integer.parseInt(value), 0, MAX_CONFIRMATIONS);
    } catch (NumberFormatException malformed) {
      throw invalid("confirmations", "must be auto or a number, not '" + Hex.shown(value) + "'");
    }
  }

  private static @Nullable Tls tls(ChronosComponent.Config config) {
    String certificate = config.tls_certificate();
    String key = config.tls_key();
    String trust = config.tls_trust();
    if (certificate.isEmpty() && key.isEmpty() && trust.isEmpty()) {
      return null;
    }
    if (certificate.isEmpty() || key.isEmpty() || trust.isEmpty()) {
      throw invalid(
          certificate.isEmpty() ? "tls.certificate" : key.isEmpty() ? "tls.key" : "tls.trust",
          "is missing: TLS needs tls.certificate, tls.key and tls.trust");
    }
    return new Tls(Path.of(certificate), Path.of(key), Path.of(trust));
  }

  /** Returns a number; the container throws when a value is none. */
  private static int number(String key, IntSupplier value, Map<String, ?> values) {
    try {
      return value.getAsInt();
    } catch (RuntimeException malformed) {
      throw invalid(key, "must be a number, not '" + shown(key, values) + "'");
    }
  }

  private static boolean flag(String key, BooleanSupplier value, Map<String, ?> values) {
    Object given = values.get(key);
    if (given != null && !String.valueOf(given).matches("true|false")) {
      throw invalid(key, "must be true or false, not '" + shown(key, values) + "'");
    }
    return value.getAsBoolean();
  }

  private static String shown(String key, Map<String, ?> values) {
    return Hex.shown(String.valueOf(values.get(key)));
  }

  private static int inRange(String key, int value, int min, int max) {
    if (value < min || value > max) {
      throw invalid(key, "must be between " + min + " and " + max + ", not " + value);
    }
    return value;
  }

  private static IllegalArgumentException invalid(String key, String why) {
    return new IllegalArgumentException(key + " of " + ChronosComponent.NAME + ": " + why);
  }
}
