// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.peers;

import dev.patchbay.api.p2p.DisconnectReason;
import dev.patchbay.api.p2p.PeerEvent;
import dev.patchbay.api.p2p.PeerEvent.PeerConnected;
import dev.patchbay.api.p2p.PeerEvent.PeerDisconnected;
import dev.patchbay.api.p2p.PeerEvents;
import dev.patchbay.api.p2p.PeerId;
import dev.patchbay.api.p2p.PeerListener;
import dev.patchbay.binding.Failures;
import dev.patchbay.binding.Loop;
import java.net.InetSocketAddress;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Delivers events to listeners, in a thread for each of them. All events of a peer lie between its
 * connection and its disconnection.
 *
 * <p>Threading: any thread. Listeners are called outside the lock.
 */
final class EventDispatcher implements PeerEvents {
  private static final Logger LOG = LoggerFactory.getLogger(EventDispatcher.class);

  /** About the size of an event that has no content of variable size. */
  private static final long SMALL = 256;

  private final long maxBytes;
  private final List<Delivery> deliveries = new CopyOnWriteArrayList<>();

  /** The open connections of each peer by their other ends; guarded by this. */
  private final Map<PeerId, Set<InetSocketAddress>> connected = new LinkedHashMap<>();

  private final AtomicInteger threads = new AtomicInteger();

  /** A listener, the events that wait for it, and its thread. */
  private static final class Delivery {
    private final PeerListener listener;
    private final Set<Class<? extends PeerEvent>> types;
    private final EventQueue queue;
    private final Failures failures;
    private final Loop loop;

    Delivery(PeerListener listener, long maxBytes, String thread) {
      this.listener = listener;
      types = Set.copyOf(listener.events());
      queue = new EventQueue(maxBytes);
      failures =
          new Failures(
              "the listener of peers " + listener.getClass().getName(), LOG::warn, LOG::info);
      loop = new Loop(thread, new Failures("events of peers", LOG::warn, LOG::info), this::step);
    }

    boolean wants(Class<? extends PeerEvent> type) {
      return types.contains(type);
    }

    void offer(PeerEvent event, long bytes) {
      queue.offer(event, bytes);
      loop.wake();
    }

    private long step() {
      EventQueue.Next next = queue.poll();
      if (next == null) {
        return Loop.UNTIL_WOKEN;
      }
      failures.run(
          () -> {
            if (next.lost() > 0) {
              listener.eventsLost(next.lost());
            }
            PeerEvent event = next.event();
            if (event != null) {
              listener.peerEvent(event);
            }
          });
      return 0;
    }
  }

  /**
   * Creates a dispatcher without listeners.
   *
   * @param maxBytes most bytes of the events that wait for one listener
   */
  EventDispatcher(long maxBytes) {
    this.maxBytes = maxBytes;
  }

  /** Adds a listener, and notifies it of the peers that are connected. */
  void add(PeerListener listener) {
    Delivery delivery =
        new Delivery(listener, maxBytes, "peers-events-" + threads.getAndIncrement());
    synchronized (this) {
      if (delivery.wants(PeerConnected.class)) {
        connected.forEach(
            (peer, addresses) ->
                delivery.offer(new PeerConnected(peer, addresses.iterator().next()), SMALL));
      }
      deliveries.add(delivery);
    }
    delivery.loop.start();
  }

  /** Removes a listener, and waits for its thread. */
  void remove(PeerListener listener) {
    List<Delivery> removed = new ArrayList<>();
    synchronized (this) {
      for (Delivery delivery : deliveries) {
        if (delivery.listener == listener) {
          removed.add(delivery);
        }
      }
      deliveries.removeAll(removed);
    }
    removed.forEach(delivery -> delivery.loop.close());
  }

  /** Removes all listeners, and waits for their threads. */
  void close() {
    deliveries.forEach(delivery -> remove(delivery.listener));
  }

  /** Returns the latest failure of a listener as one line; null when all of them work. */
  @Nullable String failure() {
    for (Delivery delivery : deliveries) {
      String failure = delivery.failures.latest();
      if (failure != null) {
        return delivery.listener.getClass().getName() + ": " + failure;
      }
    }
    return null;
  }

  /** Ends the connections to all peers of a network that was removed. */
  void removeNetwork(String network) {
    List<PeerDisconnected> ends = new ArrayList<>();
    synchronized (this) {
      connected.forEach(
          (peer, addresses) -> {
            if (peer.network().equals(network)) {
              for (InetSocketAddress address : addresses) {
                ends.add(
                    new PeerDisconnected(peer, address, DisconnectReason.CLIENT_QUITTING, false));
              }
            }
          });
    }
    ends.forEach(this::disconnected);
  }

  @Override
  public synchronized void connected(PeerConnected event) {
    Set<InetSocketAddress> open =
        connected.computeIfAbsent(event.peer(), peer -> new LinkedHashSet<>());
    boolean first = open.isEmpty();
    open.add(event.address());
    if (first) {
      deliver(event, SMALL);
    }
  }

  @Override
  public synchronized void disconnected(PeerDisconnected event) {
    Set<InetSocketAddress> open = connected.get(event.peer());
    if (open != null && open.remove(event.address()) && open.isEmpty()) {
      connected.remove(event.peer());
      deliver(event, SMALL);
    }
  }

  @Override
  public <E extends PeerEvent> void publish(
      Class<E> type, PeerId peer, long bytes, Supplier<? extends E> event) {
    if (deliveries.stream().noneMatch(delivery -> delivery.wants(type))) {
      return;
    }
    E made = event.get();
    synchronized (this) {
      if (connected.containsKey(peer)) {
        deliver(made, SMALL + bytes);
      }
    }
  }

  private void deliver(PeerEvent event, long bytes) {
    for (Delivery delivery : deliveries) {
      if (delivery.wants(event.getClass())) {
        delivery.offer(event, bytes);
      }
    }
  }
}
