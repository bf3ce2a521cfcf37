// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.sync;

import dev.patchbay.api.p2p.PeerId;
import java.util.Collection;
import java.util.HashMap;
import java.util.Map;
import java.util.concurrent.TimeUnit;

/**
 * How fast each peer replies to requests of one kind, and so how much it is asked for: what it
 * gives in two seconds. Less after a request that failed, as its link may be slow.
 *
 * <p>Threading: any thread.
 */
final class ReplySpeeds {
  /** When a reply is so late, another peer is asked, too. */
  static final long LATE_NANOS = TimeUnit.SECONDS.toNanos(4);

  /** What a reply takes at least, for the rate: else a short one could be the fastest. */
  private static final long MIN_NANOS = TimeUnit.MILLISECONDS.toNanos(50);

  private static final long TARGET_NANOS = TimeUnit.SECONDS.toNanos(2);

  /** By how much a request is smaller after a failure, and larger after a reply at most. */
  private static final int STEP = 4;

  /** Items a second; 0 when the last request failed. */
  private record Speed(double rate, int size) {}

  private final int first;
  private final int max;

  /** Guarded by this. */
  private final Map<PeerId, Speed> speeds = new HashMap<>();

  /**
   * Creates speeds.
   *
   * @param first items of the first request to a peer
   * @param max items of a request
   */
  ReplySpeeds(int first, int max) {
    this.first = first;
    this.max = max;
  }

  /**
   * Returns how many items a second a peer gave.
   *
   * @param unknown the result for a peer that has not replied and not failed
   */
  synchronized double rate(PeerId peer, double unknown) {
    Speed speed = speeds.get(peer);
    return speed == null ? unknown : speed.rate;
  }

  /** Returns for how many items a peer is asked; at least one. */
  synchronized int size(PeerId peer) {
    Speed speed = speeds.get(peer);
    return speed == null ? first : speed.size;
  }

  /**
   * Notes a reply.
   *
   * @param took nanoseconds until it came, at least 1
   */
  synchronized void replied(PeerId peer, int items, long took) {
    int size = size(peer);
    long target = (long) ((double) items * TARGET_NANOS / took);
    long next =
        took > TARGET_NANOS
            ? Math.min(size, target)
            : Math.max(size, Math.min(STEP * (long) size, target));
    int bounded = (int) Math.max(1, Math.min(max, next));
    double rate = items * 1e9 / Math.max(MIN_NANOS, took);
    speeds.put(peer, new Speed(rate, items == 0 ? size : bounded));
  }

  /** Notes that a reply did not come. */
  synchronized void failed(PeerId peer) {
    speeds.put(peer, new Speed(0, Math.max(1, size(peer) / STEP)));
  }

  /** Removes the peers that are not among some. */
  synchronized void retain(Collection<PeerId> peers) {
    speeds.keySet().retainAll(peers);
  }
}
