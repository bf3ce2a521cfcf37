// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.p2p.eth;

import dev.patchbay.binding.ConfigurationValues;
import java.util.Locale;

/** How new blocks are sent to peers, on chains that seal themselves; nothing is sent on others. */
enum BlockGossipMode {
  /** As {@link #FULL}, which may change when the protocol does. */
  AUTO,
  /** By their hashes only. */
  ANNOUNCE,
  /** In full to some peers, by their hashes to the others. */
  FULL,
  /** Not at all. */
  OFF;

  /**
   * Reads the value of {@code block.gossip}.
   *
   * @throws IllegalArgumentException when it is no mode; the message names the key and the value
   */
  static BlockGossipMode of(String value, ConfigurationValues values) {
    for (BlockGossipMode mode : BlockGossipMode.values()) {
      if (mode.name().toLowerCase(Locale.ROOT).equals(value.strip())) {
        return mode;
      }
    }
    throw values.invalid(
        "block.gossip", "auto, announce, full or off", ConfigurationValues.quoted(value));
  }
}
