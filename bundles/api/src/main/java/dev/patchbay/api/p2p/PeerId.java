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
  /** Returns the value. */
  @Override
  public String toString() {
    return value;
  }
}
