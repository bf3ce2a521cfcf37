// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.p2p.eth;

import dev.patchbay.api.p2p.PeerEvent;
import dev.patchbay.api.p2p.PeerEvents;
import dev.patchbay.api.p2p.PeerId;
import java.util.function.Supplier;

/** Events that no listener wants. */
final class NoEvents implements PeerEvents {
  @Override
  public void connected(PeerEvent.PeerConnected event) {}

  @Override
  public void disconnected(PeerEvent.PeerDisconnected event) {}

  @Override
  public <E extends PeerEvent> void publish(
      Class<E> type, PeerId peer, long bytes, Supplier<? extends E> event) {}
}
