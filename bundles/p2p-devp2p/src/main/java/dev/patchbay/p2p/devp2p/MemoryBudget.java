// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.p2p.devp2p;

import java.util.HashMap;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * The bytes that all sessions together may hold for their peers: frames that arrive, messages that
 * wait to be handled, and messages that wait to be sent. When there are more, the session that
 * holds the most ends; the others go on.
 *
 * <p>Threading: any thread. Sessions are called outside the lock.
 */
final class MemoryBudget {
  /** Share of the heap: one in so many bytes. */
  private static final int HEAP_SHARE = 8;

  private final long maxBytes;

  // guarded by this
  private final Map<Holder, Long> held = new HashMap<>();
  private long totalBytes;

  /** Holds bytes for a peer. */
  interface Holder {
    /** Called when it must give up all that it holds. */
    void evict();
  }

  MemoryBudget(long maxBytes) {
    this.maxBytes = maxBytes;
  }

  /** Creates the budget for a heap. */
  static MemoryBudget ofHeap() {
    return new MemoryBudget(Runtime.getRuntime().maxMemory() / HEAP_SHARE);
  }

  /** Records how many bytes a session holds now. */
  void update(Holder holder, long bytes) {
    Holder largest;
    synchronized (this) {
      Long before = bytes == 0 ? held.remove(holder) : held.put(holder, bytes);
      totalBytes += bytes - (before == null ? 0 : before);
      largest = totalBytes > maxBytes ? removeLargest() : null;
    }
    if (largest != null) {
      largest.evict();
    }
  }

  private @Nullable Holder removeLargest() {
    Holder largest = null;
    long most = 0;
    for (Map.Entry<Holder, Long> entry : held.entrySet()) {
      if (entry.getValue() > most) {
        most = entry.getValue();
        largest = entry.getKey();
      }
    }
    if (largest != null) {
      held.remove(largest);
      totalBytes -= most;
    }
    return largest;
  }

  /** Returns the bytes of all sessions together. */
  synchronized long totalBytes() {
    return totalBytes;
  }
}
