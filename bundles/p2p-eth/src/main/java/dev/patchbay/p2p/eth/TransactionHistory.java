// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.p2p.eth;

import dev.patchbay.primitives.Hash;
import java.util.function.LongSupplier;

/**
 * Which transactions came from peers, and which of them the pool has rejected recently. Threading:
 * any thread.
 */
final class TransactionHistory {
  /** After this time a rejected transaction is requested again: the head has moved. */
  private static final long REJECTED_MILLIS = 300_000;

  private static final int MAX_RECEIVED = 32_768;
  private static final int MAX_REJECTED = 8_192;

  private final HashSetRing received;
  private final HashSetRing rejected;
  private final LongSupplier millis;
  private long clearedMillis;

  /**
   * Creates an empty history.
   *
   * @param millis monotonic time in milliseconds
   */
  TransactionHistory(SipHash keyed, LongSupplier millis) {
    received = new HashSetRing(keyed, MAX_RECEIVED);
    rejected = new HashSetRing(keyed, MAX_REJECTED);
    this.millis = millis;
    clearedMillis = millis.getAsLong();
  }

  /** Notes that a transaction came from a peer; called before the pool gets it. */
  void received(Hash hash) {
    received.add(hash);
  }

  /** Returns whether a transaction came from a peer. */
  boolean isReceived(Hash hash) {
    return received.contains(hash);
  }

  /** Notes that the pool has rejected a transaction. */
  void rejected(Hash hash) {
    clearOld();
    rejected.add(hash);
  }

  /** Returns whether the pool has rejected a transaction in the last minutes. */
  boolean isRejected(Hash hash) {
    clearOld();
    return rejected.contains(hash);
  }

  private synchronized void clearOld() {
    long now = millis.getAsLong();
    if (now - clearedMillis >= REJECTED_MILLIS) {
      clearedMillis = now;
      rejected.clear();
    }
  }
}
