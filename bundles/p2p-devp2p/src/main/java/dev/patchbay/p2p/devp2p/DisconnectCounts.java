// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.p2p.devp2p;

import java.util.Map;
import java.util.TreeMap;

/**
 * Counts how sessions have ended, by reason and by the side that has ended them. Threading: any
 * thread.
 */
final class DisconnectCounts {
  /** Guarded by this; there are two keys for each reason of devp2p, and two more. */
  private final Map<String, Long> counts = new TreeMap<>();

  /** Counts an end. */
  synchronized void count(SessionEnd end) {
    String reason = end.reason() == null ? "unknown reason" : end.reason().toString();
    counts.merge((end.byPeer() ? "received: " : "sent: ") + reason, 1L, Long::sum);
  }

  /** Returns the counts, such as {@code "received: too many peers" -> 3}. */
  synchronized Map<String, Long> snapshot() {
    return new TreeMap<>(counts);
  }
}
