// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.sync;

import dev.patchbay.api.p2p.DisconnectReason;
import dev.patchbay.api.p2p.PeerBreachException;
import dev.patchbay.api.p2p.PeerCommand;
import dev.patchbay.api.p2p.PeerId;
import dev.patchbay.api.p2p.PeerInfo;
import dev.patchbay.primitives.Block;
import dev.patchbay.primitives.BlockBody;
import dev.patchbay.primitives.BlockHeader;
import dev.patchbay.primitives.Hash;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.concurrent.CompletionException;
import java.util.concurrent.Executor;
import java.util.function.BiConsumer;
import java.util.function.Consumer;
import java.util.function.LongSupplier;
import org.jspecify.annotations.Nullable;

/**
 * Fetches the bodies of blocks from all peers, one request to each at a time, the fastest first.
 *
 * <p>Threading: of the download; replies come in other threads, and go through its mailbox.
 */
final class BodyFetch {
  /** Bodies in a request. */
  static final int MAX_BODIES = 128;

  /**
   * Gas of the blocks whose bodies are requested or fetched; a body has a byte for 4 gas at most.
   */
  private static final long MAX_GAS_AHEAD = 500_000_000;

  private final Bodies bodies;
  private final SyncPeers peers;
  private final Executor workers;
  private final LongSupplier nanos;
  private final Consumer<Runnable> mailbox;
  private final BiConsumer<PeerId, Throwable> failed;
  private final Consumer<List<Block>> fetched;
  private final Set<PeerId> asked = new HashSet<>();
  private final UselessReplies useless = new UselessReplies();

  /** Bodies a second of the last reply. */
  private final Map<PeerId, Double> rates = new HashMap<>();

  /**
   * Creates a fetch.
   *
   * @param bodies puts headers and bodies of the chain together
   * @param workers where bodies are compared with the roots in their headers
   * @param mailbox runs tasks in the thread of the download
   * @param failed takes a peer, and why its reply did not come
   * @param fetched takes the blocks of a reply
   */
  BodyFetch(
      Bodies bodies,
      SyncPeers peers,
      Executor workers,
      LongSupplier nanos,
      Consumer<Runnable> mailbox,
      BiConsumer<PeerId, Throwable> failed,
      Consumer<List<Block>> fetched) {
    this.bodies = bodies;
    this.peers = peers;
    this.workers = workers;
    this.nanos = nanos;
    this.mailbox = mailbox;
    this.failed = failed;
    this.fetched = fetched;
  }

  /**
   * Requests the bodies that are neither fetched nor requested.
   *
   * @param pending blocks in the order of their import
   * @return false when no peer is left that could have the next ones
   */
  boolean request(Collection<PendingBlock> pending) {
    List<PeerInfo> available = null;
    for (List<PendingBlock> next = lacking(pending); !next.isEmpty(); next = lacking(pending)) {
      if (available == null) {
        available = peers.available();
      }
      PeerId peer = idle(available);
      if (peer == null) {
        return !asked.isEmpty();
      }
      request(peer, next);
    }
    return true;
  }

  /** Returns the next blocks whose bodies are neither fetched nor requested, within the limit. */
  private static List<PendingBlock> lacking(Collection<PendingBlock> pending) {
    List<PendingBlock> out = new ArrayList<>();
    long gas = 0;
    boolean isFirst = true;
    for (PendingBlock one : pending) {
      gas += one.header.gasUsed();
      if (gas > MAX_GAS_AHEAD && !isFirst) {
        break;
      }
      isFirst = false;
      if (one.block == null && !one.requested) {
        out.add(one);
      }
      if (out.size() == MAX_BODIES) {
        break;
      }
    }
    return out;
  }

  /** Returns the fastest peer of which nothing is requested; one that was not asked yet first. */
  private @Nullable PeerId idle(List<PeerInfo> available) {
    PeerId best = null;
    double most = -1;
    for (PeerInfo peer : available) {
      double rate = rates.getOrDefault(peer.id(), Double.MAX_VALUE);
      if (rate > most && !asked.contains(peer.id()) && isOfUse(peer.id())) {
        best = peer.id();
        most = rate;
      }
    }
    return best;
  }

  /** Returns whether a peer has not replied in vain too often. */
  boolean isOfUse(PeerId peer) {
    return useless.isOfUse(peer);
  }

  /**
   * Notes a reply.
   *
   * @param count its items
   * @param complete whether it has all items that were asked for
   * @param took nanoseconds until it came
   */
  void note(PeerId peer, int count, boolean complete, long took) {
    useless.note(peer, count, complete, took);
  }

  private void request(PeerId peer, List<PendingBlock> some) {
    asked.add(peer);
    some.forEach(one -> one.requested = true);
    List<BlockHeader> headers = some.stream().map(one -> one.header).toList();
    List<Hash> hashes = some.stream().map(one -> one.hash).toList();
    long start = nanos.getAsLong();
    peers
        .bodies(new PeerCommand.GetBlockBodies(peer, hashes))
        .thenApplyAsync(reply -> matched(headers, reply), workers)
        .whenComplete(
            (blocks, failure) -> mailbox.accept(() -> take(peer, some, start, blocks, failure)));
  }

  private List<Block> matched(List<BlockHeader> headers, List<BlockBody> reply) {
    List<Block> blocks = bodies.match(headers, reply);
    if (blocks == null) {
      throw new CompletionException(
          new PeerBreachException(
              DisconnectReason.PROTOCOL_BREACH,
              "a body belongs to none of the blocks that were requested"));
    }
    return blocks;
  }

  private void take(
      PeerId peer,
      List<PendingBlock> some,
      long start,
      @Nullable List<Block> blocks,
      @Nullable Throwable failure) {
    asked.remove(peer);
    some.forEach(one -> one.requested = false);
    if (blocks == null) {
      failed.accept(peer, Objects.requireNonNull(failure));
      return;
    }
    long took = Math.max(1, nanos.getAsLong() - start);
    rates.put(peer, blocks.size() * 1e9 / took);
    note(peer, blocks.size(), blocks.size() == some.size(), took);
    int next = 0;
    for (Block block : blocks) {
      while (some.get(next).header != block.header()) {
        next++;
      }
      some.get(next).block = block;
    }
    fetched.accept(blocks);
  }
}
