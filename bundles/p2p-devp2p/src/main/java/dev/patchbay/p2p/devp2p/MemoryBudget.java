// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.p2p.devp2p;

import java.util.HashMap;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.TimeUnit;
import java.util.function.LongSupplier;
import org.jspecify.annotations.Nullable;

/**
 * The bytes that all sessions together may hold for their peers: frames that arrive, messages that
 * wait to be handled, and messages that wait to be sent. When there are more, one session ends, and
 * the others go on: the one that holds the most bytes multiplied by the time for which it has held
 * any. A peer that reads what it is sent, and whose messages are handled, holds bytes for a moment
 * only. An inbound peer counts double, and a session with a peer that the operator has named ends
 * only when no other one holds bytes.
 *
 * <p>Threading: any thread. Sessions are called outside the lock.
 */
final class MemoryBudget {
  /** Share of the heap: one in so many bytes. */
  private static final int HEAP_SHARE = 8;

  /** Added to the time for which a session has held bytes: of new ones the bytes decide. */
  private static final long MIN_HELD_NANOS = TimeUnit.SECONDS.toNanos(1);

  private static final int INBOUND_FACTOR = 2;

  private final long maxBytes;
  private final LongSupplier nanoTime;

  // guarded by this
  private final Map<Holder, Held> held = new HashMap<>();
  private long totalBytes;

  /** What a session holds, and since when it has held any. */
  private record Held(long bytes, long sinceNanos) {}

  /** Holds bytes for a peer. */
  interface Holder {
    /** Called when it must give up all that it holds. */
    void evict();

    /** Returns whether the peer has dialed. */
    boolean inbound();

    /** Returns whether the operator has named the peer; under the lock of the budget. */
    boolean isNamed();
  }

  /**
   * Creates a budget of which nothing is held.
   *
   * @param nanoTime as {@link System#nanoTime}
   */
  MemoryBudget(long maxBytes, LongSupplier nanoTime) {
    this.maxBytes = maxBytes;
    this.nanoTime = nanoTime;
  }

  /** Creates the budget for a heap. */
  static MemoryBudget ofHeap() {
    return new MemoryBudget(Runtime.getRuntime().maxMemory() / HEAP_SHARE, System::nanoTime);
  }

  /** Records how many bytes a session holds now. */
  void update(Holder holder, long bytes) {
    Holder evicted;
    synchronized (this) {
      long now = nanoTime.getAsLong();
      Held before = held.get(holder);
      if (bytes == 0) {
        held.remove(holder);
      } else {
        held.put(holder, new Held(bytes, before == null ? now : before.sinceNanos));
      }
      totalBytes += bytes - (before == null ? 0 : before.bytes);
      evicted = totalBytes > maxBytes ? removeWorst(now) : null;
    }
    if (evicted != null) {
      evicted.evict();
    }
  }

  private @Nullable Holder removeWorst(long now) {
    Holder worst = null;
    double most = 0;
    boolean worstIsNamed = true;
    for (Map.Entry<Holder, Held> entry : held.entrySet()) {
      Holder holder = entry.getKey();
      double weight = weight(holder, entry.getValue(), now);
      boolean isNamed = holder.isNamed();
      if (isNamed == worstIsNamed ? weight > most : worstIsNamed) {
        worst = holder;
        most = weight;
        worstIsNamed = isNamed;
      }
    }
    if (worst != null) {
      totalBytes -= Objects.requireNonNull(held.remove(worst)).bytes;
    }
    return worst;
  }

  private static double weight(Holder holder, Held held, long now) {
    double weight = (double) held.bytes * (now - held.sinceNanos + MIN_HELD_NANOS);
    return holder.inbound() ? INBOUND_FACTOR * weight : weight;
  }

  /** Returns the bytes of all sessions together. */
  synchronized long totalBytes() {
    return totalBytes;
  }
}
