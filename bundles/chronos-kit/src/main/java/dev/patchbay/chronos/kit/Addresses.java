// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.chronos.kit;

import java.net.InetSocketAddress;
import org.jspecify.annotations.Nullable;

/** Reads values of the command line. */
final class Addresses {
  private static final int MAX_PORT = 65_535;

  private Addresses() {}

  /** Reads {@code HOST:PORT}; an IPv6 address is in brackets. */
  static InetSocketAddress parse(String text) {
    int colon = text.lastIndexOf(':');
    if (colon < 1) {
      throw new IllegalArgumentException("the address is HOST:PORT, not '" + text + "'");
    }
    String host = text.substring(0, colon);
    if (host.startsWith("[") && host.endsWith("]")) {
      host = host.substring(1, host.length() - 1);
    }
    InetSocketAddress address =
        new InetSocketAddress(host, number("the port", text.substring(colon + 1), 1, MAX_PORT));
    if (address.isUnresolved()) {
      throw new IllegalArgumentException("there is no host '" + host + "'");
    }
    return address;
  }

  static String given(String option, @Nullable String value) {
    if (value == null) {
      throw new IllegalArgumentException(option + " needs a value");
    }
    return value;
  }

  static int number(String option, @Nullable String value, int min, int max) {
    String text = given(option, value);
    try {
      int number = Integer.parseInt(text);
      if (number >= min && number <= max) {
        return number;
      }
    } catch (NumberFormatException malformed) {
      // the same answer as for one out of range
    }
    throw new IllegalArgumentException(
        option + " is " + min + " to " + max + ", not '" + text + "'");
  }
}
