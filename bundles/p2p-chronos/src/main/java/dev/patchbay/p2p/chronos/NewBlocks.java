// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.p2p.chronos;

import dev.patchbay.api.p2p.PeerEvent;
import dev.patchbay.api.p2p.PeerEvents;
import dev.patchbay.api.p2p.PeerId;
import dev.patchbay.primitives.Block;
import dev.patchbay.primitives.Hash;
import java.util.HashMap;
import java.util.Map;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.LongSupplier;
import org.jspecify.annotations.Nullable;

/**
 * New blocks of peers. They are published as those of all networks are: what listens verifies
 * seals, imports, and has them relayed. A block that several peers announce is requested from one
 * of them. On a chain that a consensus client drives nothing is requested and nothing published.
 *
 * <p>Threading: any thread.
 */
final class NewBlocks {
  /** Bytes of a decoded transaction or header in memory, in addition to its content. */
  private static final long ITEM_BYTES = 400;

  private static final int MAX_REQUESTED = 64;

  private final LocalChain chain;
  private final LongSupplier millis;
  private final AtomicReference<@Nullable PeerEvents> events = new AtomicReference<>();

  /** Blocks that are requested after an announcement, and until when; guarded by itself. */
  private final Map<Hash, Long> requested = new HashMap<>();

  /**
   * Creates an empty set.
   *
   * @param millis monotonic time in milliseconds
   */
  NewBlocks(LocalChain chain, LongSupplier millis) {
    this.chain = chain;
    this.millis = millis;
  }

  AtomicReference<@Nullable PeerEvents> events() {
    return events;
  }

  /** Requests a block that a peer has announced, unless another one is asked for it. */
  void fetch(Connection peer, Hash hash) {
    if (chain.isDriven()) {
      return;
    }
    synchronized (requested) {
      long now = millis.getAsLong();
      requested.values().removeIf(until -> now - until >= 0);
      if (requested.containsKey(hash) || requested.size() >= MAX_REQUESTED) {
        return; // the peer states its head again within seconds
      }
      requested.put(hash, now + Limits.REPLY.toMillis());
    }
    peer.get(hash)
        .whenComplete(
            (block, failure) -> {
              synchronized (requested) {
                requested.remove(hash);
              }
              if (block != null) {
                received(peer, block);
              }
            });
  }

  /** Publishes a block. */
  void received(Connection peer, ReceivedBlock received) {
    Block block = received.block();
    PeerEvents target = events.get();
    PeerId id = peer.id();
    if (target == null || id == null || chain.isDriven()) {
      return;
    }
    target.publish(
        PeerEvent.NewBlock.class,
        id,
        received.bytes() + ITEM_BYTES * (1 + block.transactions().size()),
        () -> new PeerEvent.NewBlock(id, block, chain.totalDifficulty(block.header())));
  }
}
