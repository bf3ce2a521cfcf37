// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.p2p.eth;

import java.util.function.LongSupplier;

/**
 * Sends the block range of this node to peers that speak eth/69 or later, every two minutes when it
 * has moved (EIP-7642). Threading: one thread at a time.
 */
final class RangeUpdates {
  /** Milliseconds between two updates. */
  static final long INTERVAL_MILLIS = 120_000;

  private final NodeServices services;
  private final PeerSet peers;
  private final LongSupplier millis;
  private long sentMillis;

  /**
   * Creates one.
   *
   * @param millis monotonic time in milliseconds
   */
  RangeUpdates(NodeServices services, PeerSet peers, LongSupplier millis) {
    this.services = services;
    this.peers = peers;
    this.millis = millis;
    sentMillis = millis.getAsLong();
  }

  /** Sends what is due. */
  void step() {
    long now = millis.getAsLong();
    if (now - sentMillis < INTERVAL_MILLIS) {
      return;
    }
    sentMillis = now;
    BlockRange range = services.withChain(chain -> Handshake.range(chain, chain.head()));
    if (range != null) {
      peers.list().forEach(peer -> peer.updateRange(range));
    }
  }
}
