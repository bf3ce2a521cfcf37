// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.api.p2p;

import java.util.Set;
import org.osgi.annotation.versioning.ConsumerType;

/**
 * Is notified of what peers do; a whiteboard service. A new listener is first notified of the peers
 * that are connected.
 *
 * <p>Threading: one thread for each listener, so that a slow listener delays no other and no
 * network. Events of a peer come in their order. What waits for a listener is bounded in events and
 * in bytes, for each peer and in total: later events are lost, and counted.
 */
@ConsumerType
public interface PeerListener {
  /** Returns the types of events that it is notified of; always the same ones. */
  Set<Class<? extends PeerEvent>> events();

  /** Called with each event. */
  void peerEvent(PeerEvent event);

  /**
   * Called before the next event when events were lost because the listener is slow. They may have
   * been of any kind: {@link Peers#list} has the peers that are connected.
   *
   * @param count how many since the last call
   */
  void eventsLost(long count);
}
