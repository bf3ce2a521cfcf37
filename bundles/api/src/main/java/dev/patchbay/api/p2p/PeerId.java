// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.api.p2p;

/**
 * Names a peer.
 *
 * @param network name of its network, see {@link Network#name}
 * @param value what identifies it there: on devp2p the 128 hexadecimal digits of its public key, in
 *     lower case
 */
public record PeerId(String network, String value) {
  private static final int SHOWN_CHARACTERS = 16;

  /** Returns the first 16 characters of the value, for tables and the log. */
  public String shortText() {
    return value.substring(0, Math.min(SHOWN_CHARACTERS, value.length()));
  }

  /** Returns the value. */
  @Override
  public String toString() {
    return value;
  }
}
