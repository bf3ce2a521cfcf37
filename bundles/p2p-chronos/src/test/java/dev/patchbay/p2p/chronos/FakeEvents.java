// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.p2p.chronos;

import dev.patchbay.api.p2p.PeerEvent;
import dev.patchbay.api.p2p.PeerEvents;
import dev.patchbay.api.p2p.PeerId;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.function.Supplier;

/** Collects events. */
final class FakeEvents implements PeerEvents {
  private final BlockingQueue<PeerEvent> events = new LinkedBlockingQueue<>();

  /** Called when a peer is connected, in the thread that publishes it. */
  volatile Runnable onConnected = () -> {};

  @Override
  public void connected(PeerEvent.PeerConnected event) {
    events.add(event);
    onConnected.run();
  }

  @Override
  public void disconnected(PeerEvent.PeerDisconnected event) {
    events.add(event);
  }

  @Override
  public <E extends PeerEvent> void publish(
      Class<E> type, PeerId peer, long bytes, Supplier<? extends E> event) {
    events.add(event.get());
  }

  <E extends PeerEvent> E next(Class<E> type) throws InterruptedException {
    PeerEvent event = events.poll(10, TimeUnit.SECONDS);
    if (!type.isInstance(event)) {
      throw new AssertionError("instead of " + type.getSimpleName() + " came " + event);
    }
    return type.cast(event);
  }

  boolean isEmpty() {
    return events.isEmpty();
  }
}
