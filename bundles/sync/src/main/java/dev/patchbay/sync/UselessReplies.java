// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.sync;

import dev.patchbay.api.p2p.PeerId;
import java.util.HashMap;
import java.util.Map;
import java.util.concurrent.TimeUnit;

/** Counts the replies of peers that are of no use to a download. Threading: of the download. */
final class UselessReplies {
  /** Bytes of a header, about. */
  static final long HEADER_BYTES = 600;

  /** Replies of no use after which a peer is not asked again. */
  private static final int MAX_USELESS = 2;

  /** A reply that takes longer, has few items and few bytes a second is of no use. */
  private static final long SLOW_NANOS = TimeUnit.SECONDS.toNanos(2);

  private static final int FEW = 16;
  private static final double FEW_BYTES_PER_SECOND = 8_000;

  private final Map<PeerId, Integer> counts = new HashMap<>();

  /**
   * Notes a reply.
   *
   * @param count its items
   * @param bytes their size, about
   * @param complete whether it has all items that are needed
   * @param took nanoseconds until it came
   */
  void note(PeerId peer, int count, long bytes, boolean complete, long took) {
    boolean isSlow = count < FEW && took > SLOW_NANOS && bytes * 1e9 / took < FEW_BYTES_PER_SECOND;
    if (count == 0 || !complete && isSlow) {
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
