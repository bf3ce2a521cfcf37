// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.p2p.eth;

import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * Decides which clients announcements of blocks are sent to. geth ends the connection when it gets
 * one, from 1.14 on, as it follows a consensus client only.
 */
final class BlockGossipPolicy {
  private static final String GETH = "Geth/";

  /** The version in a client id such as {@code Geth/name/v1.13.15-stable/linux-amd64/go1.21}. */
  private static final Pattern VERSION = Pattern.compile("/v(\\d{1,4})\\.(\\d{1,4})\\.");

  private static final int LAST_MAJOR = 1;
  private static final int LAST_MINOR = 13;

  private BlockGossipPolicy() {}

  /** Returns whether a client with an id accepts announcements of blocks. */
  static boolean accepts(String clientId) {
    if (!clientId.startsWith(GETH)) {
      return true;
    }
    Matcher version = VERSION.matcher(clientId);
    if (!version.find()) {
      return false;
    }
    int major = Integer.parseInt(version.group(1));
    int minor = Integer.parseInt(version.group(2));
    return major < LAST_MAJOR || major == LAST_MAJOR && minor <= LAST_MINOR;
  }
}
