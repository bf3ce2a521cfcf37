// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.peers;

import dev.patchbay.api.p2p.PeerEvent;
import dev.patchbay.api.p2p.PeerId;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.HashMap;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * The events that wait for one listener, bounded in number and bytes, for each peer and in total.
 * An event that does not fit is lost and counted. An event that is larger than a bound fits when
 * nothing else waits there, so that large blocks arrive.
 *
 * <p>Threading: any thread.
 */
final class EventQueue {
  /** Events that wait. */
  static final int MAX_EVENTS = 8_192;

  /** Events of one peer that wait. */
  static final int MAX_EVENTS_PER_PEER = 1_024;

  private static final int PEER_SHARE = 4;

  private final long maxBytes;

  // all guarded by this
  private final Deque<Queued> queue = new ArrayDeque<>();
  private final Map<PeerId, Usage> perPeer = new HashMap<>();
  private long bytes;
  private long lost;

  private record Queued(PeerEvent event, long bytes) {}

  private static final class Usage {
    private int events;
    private long bytes;
  }

  /**
   * The next call of a listener.
   *
   * @param lost events that were lost before it; 0 for none
   * @param event the event; null when only losses are to be reported
   */
  record Next(long lost, @Nullable PeerEvent event) {}

  /**
   * Creates an empty queue.
   *
   * @param maxBytes most bytes of the events that wait; of one peer a quarter
   */
  EventQueue(long maxBytes) {
    this.maxBytes = maxBytes;
  }

  /** Appends an event, or counts it as lost. */
  synchronized void offer(PeerEvent event, long size) {
    Usage peer = perPeer.computeIfAbsent(event.peer(), id -> new Usage());
    boolean fits =
        fits(queue.size(), MAX_EVENTS, bytes, size, maxBytes)
            && fits(peer.events, MAX_EVENTS_PER_PEER, peer.bytes, size, maxBytes / PEER_SHARE);
    if (fits) {
      queue.add(new Queued(event, size));
      peer.events++;
      peer.bytes += size;
      bytes += size;
    } else {
      lost++;
    }
    if (peer.events == 0) {
      perPeer.remove(event.peer());
    }
  }

  private static boolean fits(int events, int maxEvents, long held, long size, long maxBytes) {
    return events == 0 || events < maxEvents && size <= maxBytes - held;
  }

  /** Removes what the listener is called with next; null when nothing waits. */
  synchronized @Nullable Next poll() {
    Queued next = queue.poll();
    if (next != null) {
      Usage peer = perPeer.get(next.event().peer());
      bytes -= next.bytes();
      if (peer != null) {
        peer.bytes -= next.bytes();
        if (--peer.events == 0) {
          perPeer.remove(next.event().peer());
        }
      }
    } else if (lost == 0) {
      return null;
    }
    long lostBefore = lost;
    lost = 0;
    return new Next(lostBefore, next == null ? null : next.event());
  }

  /** Returns the bytes of the events that wait. */
  synchronized long bytes() {
    return bytes;
  }
}
