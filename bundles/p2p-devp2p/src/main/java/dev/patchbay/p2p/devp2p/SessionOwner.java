// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.p2p.devp2p;

import dev.patchbay.api.p2p.DisconnectReason;
import dev.patchbay.p2p.devp2p.rlpx.NodeId;
import org.jspecify.annotations.Nullable;

/**
 * Decides which sessions go on, and is notified of their course. Threading: the event loop of the
 * session; calls must return at once.
 */
interface SessionOwner {
  /**
   * Called after the encryption handshake. A peer that has dialed has named its key and not proved
   * it: the first proof is the MAC of its Hello.
   *
   * @return why the session must end; null when it goes on
   */
  @Nullable DisconnectReason identified(Session session);

  /**
   * Called when Hello has been accepted: the peer has proved its key.
   *
   * @return why the session must end; null when it is one of the peers now
   */
  @Nullable DisconnectReason admit(Session session);

  /** Returns whether the operator has named a node: it is configured or trusted. */
  boolean isNamed(NodeId id);

  /** Called when all sub-protocols are established, by the thread of the last one. */
  void established(Session session);

  /** Called once for each session, when its connection is closed. */
  void ended(Session session, SessionEnd end);
}
