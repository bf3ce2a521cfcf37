// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.api.p2p;

import java.util.function.Supplier;
import org.osgi.annotation.versioning.ProviderType;

/**
 * Takes the events of networks and their sub-protocols, and delivers them to each {@link
 * PeerListener}. Threading: any thread; the calls neither wait nor throw.
 */
@ProviderType
public interface PeerEvents {
  /**
   * Publishes that a connection is established. Does nothing when that was published before.
   *
   * <p>A peer may have two connections for a moment, when both sides dial at once: listeners are
   * notified of the first one that comes and of the last one that goes.
   */
  void connected(PeerEvent.PeerConnected event);

  /** Publishes that a connection has ended; does nothing when it was not established. */
  void disconnected(PeerEvent.PeerDisconnected event);

  /**
   * Publishes another event. It is dropped while its peer is not connected.
   *
   * @param bytes size of the event in memory, about
   * @param event makes the event, when a listener is interested in it
   */
  <E extends PeerEvent> void publish(
      Class<E> type, PeerId peer, long bytes, Supplier<? extends E> event);
}
