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
import dev.patchbay.primitives.Transaction;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HashSet;
import java.util.List;
import java.util.Objects;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.Executor;
import java.util.function.BiConsumer;
import java.util.function.Consumer;
import java.util.function.LongSupplier;
import org.jspecify.annotations.Nullable;

/**
 * Fetches the bodies of blocks from all peers, one request to each at a time, the fastest first. A
 * block whose body is late is requested from a second peer, too.
 *
 * <p>Threading: of the download; replies come in other threads, and go through its mailbox.
 */
final class BodyFetch {
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
  private final BiConsumer<PeerId, List<Block>> fetched;
  private final Set<PeerId> asked = new HashSet<>();
  private final UselessReplies useless = new UselessReplies();

  /**
   * Creates a fetch.
   *
   * @param bodies puts headers and bodies of the chain together
   * @param workers where bodies are compared with the roots in their headers
   * @param mailbox runs tasks in the thread of the download
   * @param failed takes a peer, and why its reply did not come
   * @param fetched takes a peer, and the blocks of its reply whose bodies were missing
   */
  BodyFetch(
      Bodies bodies,
      SyncPeers peers,
      Executor workers,
      LongSupplier nanos,
      Consumer<Runnable> mailbox,
      BiConsumer<PeerId, Throwable> failed,
      BiConsumer<PeerId, List<Block>> fetched) {
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
    while (!lacking(pending, 1).isEmpty()) {
      if (available == null) {
        available = peers.available();
      }
      PeerId peer = idle(available);
      if (peer == null) {
        return !asked.isEmpty();
      }
      int max = peers.bodySpeeds().size(peer);
      request(peer, lacking(pending, max), max);
    }
    return true;
  }

  /** Returns the next blocks whose bodies have to be requested, within the limit. */
  private List<PendingBlock> lacking(Collection<PendingBlock> pending, int max) {
    long now = nanos.getAsLong();
    List<PendingBlock> out = new ArrayList<>();
    long gas = 0;
    boolean isFirst = true;
    for (PendingBlock one : pending) {
      gas += one.header.gasUsed();
      if (gas > MAX_GAS_AHEAD && !isFirst) {
        break;
      }
      isFirst = false;
      boolean isLate = one.requests == 1 && now - one.requestedNanos > ReplySpeeds.LATE_NANOS;
      if (one.isMissing() && (one.requests == 0 || isLate)) {
        out.add(one);
      }
      if (out.size() == max) {
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
      double rate = peers.bodySpeeds().rate(peer.id(), Double.MAX_VALUE);
      if (rate > most && !asked.contains(peer.id()) && isOfUse(peer.id())) {
        best = peer.id();
        most = rate;
      }
    }
    return best;
  }

  /** Returns whether a peer has not replied in vain too often. */
  private boolean isOfUse(PeerId peer) {
    return useless.isOfUse(peer);
  }

  private void request(PeerId peer, List<PendingBlock> some, int max) {
    asked.add(peer);
    long start = nanos.getAsLong();
    for (PendingBlock one : some) {
      one.requests++;
      one.requestedNanos = start;
    }
    List<BlockHeader> headers = some.stream().map(one -> one.header).toList();
    List<Hash> hashes = some.stream().map(one -> one.hash).toList();
    CompletableFuture<List<BlockBody>> reply =
        peers.bodies(new PeerCommand.GetBlockBodies(peer, hashes));
    reply
        .thenApply(any -> Math.max(1, nanos.getAsLong() - start))
        .thenCombineAsync(
            reply, (took, bodies) -> new Fetched(matched(headers, bodies), took), workers)
        .whenComplete(
            (blocks, failure) ->
                mailbox.accept(() -> take(peer, some, some.size() < max, blocks, failure)));
  }

  /** Blocks of a reply, and the nanoseconds until it came. */
  private record Fetched(List<Block> blocks, long took) {}

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
      boolean isAll,
      @Nullable Fetched reply,
      @Nullable Throwable failure) {
    asked.remove(peer);
    some.forEach(one -> one.requests--);
    if (reply == null) {
      peers.bodySpeeds().failed(peer);
      failed.accept(peer, Objects.requireNonNull(failure));
      return;
    }
    List<Block> blocks = reply.blocks;
    peers.bodySpeeds().replied(peer, blocks.size(), reply.took);
    boolean complete = isAll && blocks.size() == some.size();
    useless.note(peer, blocks.size(), bytes(blocks), complete, reply.took);
    List<Block> missing = new ArrayList<>();
    int next = 0;
    for (Block block : blocks) {
      while (some.get(next).header != block.header()) {
        next++;
      }
      if (some.get(next).block == null) { // else another peer was faster
        some.get(next).block = block;
        missing.add(block);
      }
    }
    fetched.accept(peer, missing);
  }

  private static long bytes(List<Block> blocks) {
    return blocks.stream()
        .flatMap(block -> block.transactions().stream())
        .mapToLong(Transaction::encodedSize)
        .sum();
  }
}
