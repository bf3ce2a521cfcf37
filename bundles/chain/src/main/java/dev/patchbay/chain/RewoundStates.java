// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.chain;

import dev.patchbay.primitives.Hash;
import java.util.HashMap;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.function.LongSupplier;
import org.jspecify.annotations.Nullable;

/**
 * The states below the head that peers read, as far as they are computed. There are few places, and
 * a state keeps its place while it is read: a peer that asks for many states in turn neither makes
 * the node compute each of them again, nor evicts the state that another peer downloads.
 *
 * <p>Threading: any thread.
 */
final class RewoundStates {
  /**
   * States at a time: nodes that download a state ask for one each, and for the same one mostly.
   */
  static final int MAX_STATES = 4;

  /** Time after which a state that is not read loses its place. */
  static final long EXPIRY_NANOS = TimeUnit.SECONDS.toNanos(60);

  private final long maxBytes;
  private final LongSupplier nanos;

  /** Places by block; guarded by this. */
  private final Map<Hash, Place> places = new HashMap<>();

  /**
   * The writes that lead from the state after a head to the state after an earlier block.
   *
   * @param head the head
   * @param number number of the earlier block
   * @param writes the writes, which must not change
   */
  record Rewound(RecentRoots.Entry head, long number, WriteSet writes) {}

  private static final class Place {
    long usedNanos;
    @Nullable Rewound state;

    /** Whether there is no memory for the state: it is not computed again until this expires. */
    boolean isTooLarge;

    Place(long usedNanos) {
      this.usedNanos = usedNanos;
    }
  }

  /**
   * Creates states without a place that is taken.
   *
   * @param maxBytes bytes of all states together
   * @param nanos monotonic time in nanoseconds
   */
  RewoundStates(long maxBytes, LongSupplier nanos) {
    this.maxBytes = maxBytes;
    this.nanos = nanos;
  }

  /** Returns what is computed of the state after a block, which is read now; null for nothing. */
  synchronized @Nullable Rewound find(Hash block) {
    Place place = places.get(block);
    if (place == null || place.isTooLarge) {
      return null;
    }
    place.usedNanos = nanos.getAsLong();
    return place.state;
  }

  /**
   * Takes a place for the state after a block, unless it has one.
   *
   * @return false when all places are taken, or the state was too large
   */
  synchronized boolean reserve(Hash block) {
    long now = nanos.getAsLong();
    places.values().removeIf(place -> now - place.usedNanos >= EXPIRY_NANOS);
    Place place = places.get(block);
    if (place != null) {
      return !place.isTooLarge;
    }
    if (places.size() == MAX_STATES) {
      return false;
    }
    places.put(block, new Place(now));
    return true;
  }

  /**
   * Stores what is computed of the state after a block that has a place.
   *
   * @return false when all states together are too large: it is not stored
   */
  synchronized boolean put(Hash block, Rewound state) {
    Place place = places.computeIfAbsent(block, hash -> new Place(nanos.getAsLong()));
    place.state = null;
    place.isTooLarge = !fits(bytes() + state.writes.bytes());
    if (!place.isTooLarge) {
      place.state = state;
    }
    return !place.isTooLarge;
  }

  /** Returns whether a state of so many bytes fits when there is no other. */
  boolean fits(long bytes) {
    return bytes <= maxBytes;
  }

  private long bytes() {
    long bytes = 0;
    for (Place place : places.values()) {
      bytes += place.state == null ? 0 : place.state.writes.bytes();
    }
    return bytes;
  }
}
