// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.sync;

import dev.patchbay.api.p2p.PeerId;
import java.util.HashMap;
import java.util.Map;
import java.util.concurrent.TimeUnit;

/** Counts the replies of peers that are of no use to a download. Threading: of the download. */
final class UselessReplies {
  /** Replies of no use after which a peer is not asked again. */
  private static final int MAX_USELESS = 2;

  /** A reply that takes longer and has few items is of no use. */
  private static final long SLOW_NANOS = TimeUnit.SECONDS.toNanos(2);

  private static final int FEW = 16;

  private final Map<PeerId, Integer> counts = new HashMap<>();

  /**
   * Notes a reply.
   *
   * @param count its items
   * @param complete whether it has all items that were asked for
   * @param took nanoseconds until it came
   */
  void note(PeerId peer, int count, boolean complete, long took) {
    if (count == 0 || !complete && count < FEW && took > SLOW_NANOS) {
      counts.merge(peer, 1, Integer::sum);
    }
  }

  /** Returns whether a peer may be asked again. */
  boolean isOfUse(PeerId peer) {
    return counts.getOrDefault(peer, 0) < MAX_USELESS;
  }

  /** Has all peers asked again. */
  void clear() {
    counts.clear();
  }
}
