// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.p2p.chronos;

import dev.patchbay.api.p2p.PeerEvent;
import dev.patchbay.api.p2p.PeerEvents;
import dev.patchbay.api.p2p.PeerId;
import dev.patchbay.primitives.Block;
import dev.patchbay.primitives.Hash;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.LongSupplier;
import org.jspecify.annotations.Nullable;

/**
 * New blocks of peers. They are published as those of all networks are: what listens verifies
 * seals, imports, and has them relayed. A block that several peers announce is requested from one
 * of them, and from the next one when that does not give it. On a chain that a consensus client
 * drives nothing is requested and nothing published.
 *
 * <p>Threading: any thread.
 */
final class NewBlocks {
  /** Bytes of a decoded transaction or header in memory, in addition to its content. */
  private static final long ITEM_BYTES = 400;

  private static final int MAX_PUBLISHED = 1_024;

  /** Announced blocks that one peer is asked for at a time. */
  private static final int MAX_REQUESTED = 8;

  /** Peers of which this node remembers that they have announced a block that is requested. */
  private static final int MAX_ANNOUNCERS = 3;

  private final LocalChain chain;
  private final BlockCache cache;
  private final LongSupplier millis;
  private final AtomicReference<@Nullable PeerEvents> events = new AtomicReference<>();

  /** Blocks that were published, the oldest first, and when; guarded by itself. */
  private final Map<Hash, Long> published = new LinkedHashMap<>();

  /**
   * The peers that have announced a block that is requested, in this order; the first one is asked
   * for it. Guarded by itself.
   */
  private final Map<Hash, Deque<Connection>> announcers = new HashMap<>();

  /**
   * Creates an empty set.
   *
   * @param cache gets the new blocks
   * @param millis monotonic time in milliseconds
   */
  NewBlocks(LocalChain chain, BlockCache cache, LongSupplier millis) {
    this.chain = chain;
    this.cache = cache;
    this.millis = millis;
  }

  AtomicReference<@Nullable PeerEvents> events() {
    return events;
  }

  /**
   * Requests a block that a peer has announced. While another peer is asked for it this one comes
   * after it, when that does not give it.
   */
  void fetch(Connection peer, Hash hash) {
    if (chain.isDriven()) {
      return;
    }
    synchronized (announcers) {
      Deque<Connection> others = announcers.get(hash);
      if (others != null) {
        if (others.size() < MAX_ANNOUNCERS && !others.contains(peer)) {
          others.add(peer);
        }
        return;
      }
      if (requests(peer) >= MAX_REQUESTED) {
        return; // the peer states its head again within seconds
      }
      announcers.put(hash, new ArrayDeque<>(List.of(peer)));
    }
    request(peer, hash);
  }

  /** Returns how many announced blocks a peer is asked for. */
  private long requests(Connection peer) {
    return announcers.values().stream().filter(peers -> peers.peek() == peer).count();
  }

  private void request(Connection peer, Hash hash) {
    peer.get(hash)
        .whenComplete(
            (received, failure) -> {
              Connection next = replied(hash, received != null);
              if (received != null) {
                peer.has(received.block());
                received(peer, received);
              } else if (next != null) {
                request(next, hash);
              }
            });
  }

  /** Notes the reply of a peer; returns the one to ask next; null for none. */
  private @Nullable Connection replied(Hash hash, boolean isFound) {
    synchronized (announcers) {
      Deque<Connection> all = announcers.getOrDefault(hash, new ArrayDeque<>());
      all.poll();
      while (!isFound && !all.isEmpty()) {
        Connection next = all.remove();
        if (next.isEstablished() && requests(next) < MAX_REQUESTED) {
          all.addFirst(next);
          return next;
        }
      }
      announcers.remove(hash);
      return null;
    }
  }

  /**
   * Returns whether a block was published in the last 10 s: it may wait for its import, and need
   * not be requested again.
   */
  boolean isPublished(Hash hash) {
    synchronized (published) {
      Long time = published.get(hash);
      return time != null && millis.getAsLong() - time < Limits.REPLY.toMillis();
    }
  }

  /** Publishes a block. */
  void received(Connection peer, ReceivedBlock received) {
    Block block = received.block();
    PeerEvents target = events.get();
    PeerId id = peer.id();
    if (target == null || id == null || chain.isDriven()) {
      return;
    }
    cache.addNew(id, received);
    target.publish(
        PeerEvent.NewBlock.class,
        id,
        received.bytes() + ITEM_BYTES * (1 + block.transactions().size()),
        () -> new PeerEvent.NewBlock(id, block, chain.totalDifficulty(block.header())));
    synchronized (published) {
      published.remove(block.hash());
      published.put(block.hash(), millis.getAsLong());
      if (published.size() > MAX_PUBLISHED) {
        published.remove(published.keySet().iterator().next());
      }
    }
  }
}
