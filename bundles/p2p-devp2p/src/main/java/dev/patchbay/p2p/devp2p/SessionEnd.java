// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.p2p.devp2p;

import dev.patchbay.api.p2p.DisconnectReason;
import org.jspecify.annotations.Nullable;

/**
 * How a session has ended.
 *
 * @param reason the reason that was sent or received; null when the peer gave one that devp2p does
 *     not define
 * @param byPeer whether the peer has ended it
 * @param detail why, for the log; bounded in length, without bytes of the peer
 */
record SessionEnd(@Nullable DisconnectReason reason, boolean byPeer, String detail) {
  @Override
  public String toString() {
    return (byPeer ? "by the peer: " : "by this node: ")
        + (reason == null ? "unknown reason" : reason)
        + " ("
        + detail
        + ")";
  }
}
