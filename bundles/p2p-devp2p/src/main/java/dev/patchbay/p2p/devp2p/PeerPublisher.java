// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.p2p.devp2p;

import dev.patchbay.api.p2p.PeerEvent;
import dev.patchbay.api.p2p.PeerEvents;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.Supplier;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * Publishes the peers that come and go to a service, while there is one.
 *
 * <p>Threading: any thread.
 */
final class PeerPublisher {
  private final AtomicReference<@Nullable PeerEvents> service = new AtomicReference<>();

  /**
   * Sets the service, and publishes the peers that are connected.
   *
   * @param peers returns the sessions of the peers; called after the service was set, so that none
   *     is missed
   */
  void set(PeerEvents added, Supplier<Stream<Session>> peers) {
    service.set(added);
    peers.get().filter(Session::isEstablished).forEach(this::connected);
  }

  /** Removes a service, unless another one was set meanwhile. */
  void unset(PeerEvents removed) {
    service.compareAndSet(removed, null);
  }

  /** Publishes that a session is established, and its end when it has just ended. */
  void connected(Session session) {
    PeerEvents target = service.get();
    if (target == null) {
      return;
    }
    target.connected(new PeerEvent.PeerConnected(session.peerId(), session.remoteAddress()));
    SessionEnd end = session.end();
    if (end != null) {
      disconnected(session, end);
    }
  }

  /** Publishes that a session has ended, when it was established. */
  void disconnected(Session session, SessionEnd end) {
    PeerEvents target = service.get();
    if (target != null && session.isEstablished()) {
      target.disconnected(
          new PeerEvent.PeerDisconnected(
              session.peerId(), session.remoteAddress(), end.reason(), end.byPeer()));
    }
  }
}
