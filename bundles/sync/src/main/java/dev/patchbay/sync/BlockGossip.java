// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.sync;

import dev.patchbay.api.chain.BlockImporter;
import dev.patchbay.api.chain.ChainListener;
import dev.patchbay.api.chain.ChainReader;
import dev.patchbay.api.chain.ImportResult;
import dev.patchbay.api.chain.InvalidBlockException;
import dev.patchbay.api.execution.NotReadyException;
import dev.patchbay.api.p2p.BlockBroadcaster;
import dev.patchbay.api.p2p.HeaderStart;
import dev.patchbay.api.p2p.PeerCommand;
import dev.patchbay.api.p2p.PeerEvent;
import dev.patchbay.api.p2p.PeerId;
import dev.patchbay.api.p2p.PeerListener;
import dev.patchbay.api.storage.StorageException;
import dev.patchbay.api.storage.StorageUnavailableException;
import dev.patchbay.binding.Failures;
import dev.patchbay.binding.Loop;
import dev.patchbay.primitives.Block;
import dev.patchbay.primitives.BlockBody;
import dev.patchbay.primitives.BlockHeader;
import dev.patchbay.primitives.Hash;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Objects;
import java.util.Set;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.LinkedBlockingQueue;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Follows the head: imports blocks that peers send or announce, and announces those that became the
 * head here. A block that is announced by its hash is requested, header first. What does not
 * continue the chain of this node is left to {@link Synchronizer}.
 *
 * <p>Threading: any thread.
 */
final class BlockGossip implements PeerListener, ChainListener, AutoCloseable {
  private static final Logger LOG = LoggerFactory.getLogger(BlockGossip.class);

  /** Blocks below and above the head that are of interest. */
  private static final long MAX_BELOW = 7;

  private static final long MAX_ABOVE = 32;

  /** Blocks that wait for their announcement; an older one is dropped for a newer one. */
  private static final int MAX_UNANNOUNCED = 32;

  /** Blocks of peers that wait for their import. */
  private static final int MAX_WAITING = 64;

  /** Hashes that are requested now. */
  private static final int MAX_REQUESTED = 64;

  private record Arrived(PeerId peer, Block block) {}

  private final ChainReader chain;
  private final BlockImporter importer;
  private final SyncPeers peers;
  private final Synchronizer synchronizer;
  private final BlockBroadcaster broadcaster;
  private final BlockingQueue<Arrived> arrived = new LinkedBlockingQueue<>(MAX_WAITING);
  private final BlockingQueue<Block> unannounced = new LinkedBlockingQueue<>(MAX_UNANNOUNCED);
  private final Set<Hash> requested = new LinkedHashSet<>();
  private final Loop loop;

  BlockGossip(
      ChainReader chain,
      BlockImporter importer,
      SyncPeers peers,
      Synchronizer synchronizer,
      BlockBroadcaster broadcaster) {
    this.chain = chain;
    this.importer = importer;
    this.peers = peers;
    this.synchronizer = synchronizer;
    this.broadcaster = broadcaster;
    loop =
        new Loop(
            "sync-gossip-0", new Failures("following the head", LOG::warn, LOG::info), this::step);
  }

  void start() {
    loop.start();
  }

  /** Returns the latest failure of the thread as one line; null when it works. */
  @Nullable String failure() {
    return loop.failure();
  }

  @Override
  public void close() {
    loop.close();
  }

  // ---- what comes

  @Override
  public Set<Class<? extends PeerEvent>> events() {
    return Set.of(
        PeerEvent.PeerConnected.class, PeerEvent.NewBlockHash.class, PeerEvent.NewBlock.class);
  }

  @Override
  public void peerEvent(PeerEvent event) {
    try {
      if (event instanceof PeerEvent.NewBlock block) {
        if (isOfInterest(block.hash(), block.number())) {
          offer(block.peer(), block.block());
        }
      } else if (event instanceof PeerEvent.NewBlockHash announced) {
        if (isOfInterest(announced.hash(), announced.number())) {
          request(announced.peer(), announced.hash());
        }
      }
    } catch (NotReadyException | StorageUnavailableException missing) {
      // a bundle is being replaced; the synchronizer fetches what is missed
    }
    synchronizer.wake();
  }

  @Override
  public void eventsLost(long count) {
    synchronizer.wake();
  }

  private boolean isOfInterest(Hash hash, long number) {
    long head = chain.head().number();
    return !chain.config().isDriven()
        && number >= head - MAX_BELOW
        && number <= head + MAX_ABOVE
        && !synchronizer.isBehind()
        && chain.header(hash) == null;
  }

  private void offer(PeerId peer, Block block) {
    arrived.offer(new Arrived(peer, block)); // when it is full, the synchronizer fetches it
    loop.wake();
  }

  private void request(PeerId peer, Hash hash) {
    synchronized (requested) {
      if (requested.size() >= MAX_REQUESTED || !requested.add(hash)) {
        return;
      }
    }
    peers
        .peers()
        .headers(new PeerCommand.GetBlockHeaders(peer, new HeaderStart.ByHash(hash), 1, 0, false))
        .thenCompose(headers -> body(peer, headers))
        .whenComplete(
            (block, failure) -> {
              synchronized (requested) {
                requested.remove(hash);
              }
              if (block != null) {
                offer(peer, block);
              } else if (failure != null) {
                peers.banForBreach(peer, cause(failure)); // else the synchronizer fetches it
              }
            });
  }

  private CompletableFuture<@Nullable Block> body(PeerId peer, List<BlockHeader> headers) {
    if (headers.isEmpty()) {
      return CompletableFuture.completedFuture(null);
    }
    BlockHeader header = headers.get(0);
    Block empty = Bodies.emptyBlock(header);
    if (empty != null) {
      return CompletableFuture.completedFuture(empty);
    }
    return peers
        .peers()
        .bodies(new PeerCommand.GetBlockBodies(peer, List.of(header.computeHash())))
        .thenApply(bodies -> block(header, bodies));
  }

  private static @Nullable Block block(BlockHeader header, List<BlockBody> bodies) {
    return bodies.isEmpty() ? null : bodies.get(0).toBlock(header);
  }

  private static Throwable cause(Throwable failure) {
    return failure instanceof CompletionException && failure.getCause() != null
        ? Objects.requireNonNull(failure.getCause())
        : failure;
  }

  // ---- what becomes of it

  @Override
  public void headChanged(List<Block> removed, List<Block> added) {
    if (added.isEmpty()) {
      return;
    }
    Block head = added.get(added.size() - 1);
    while (!unannounced.offer(head)) {
      unannounced.poll();
    }
    loop.wake();
  }

  private long step() {
    try {
      for (Arrived next = arrived.poll(); next != null; next = arrived.poll()) {
        take(next.peer, next.block);
      }
      for (Block next = unannounced.poll(); next != null; next = unannounced.poll()) {
        if (!synchronizer.isBehind()) {
          broadcaster.broadcast(next);
        }
      }
    } catch (NotReadyException | StorageUnavailableException missing) {
      // as above
    }
    return Loop.UNTIL_WOKEN;
  }

  private void take(PeerId peer, Block block) {
    BlockHeader parent = chain.header(block.header().parentHash());
    if (parent == null || chain.header(block.hash()) != null) {
      return; // the synchronizer finds the ancestors
    }
    try {
      importer.verifyHeader(block.header(), parent, chain);
    } catch (InvalidBlockException invalid) {
      peers.ban(peer, "block " + block + " is invalid: " + invalid.getMessage());
      return;
    }
    if (!Bodies.belongTogether(block)) {
      peers.ban(peer, "the body of block " + block + " is not the one that its header names");
      return;
    }
    Bodies.recoverSenders(block);
    try {
      ImportResult result = importer.importBlock(block);
      if (result instanceof ImportResult.Invalid invalid) {
        peers.ban(peer, "block " + block + " is invalid: " + invalid.reason());
      }
    } catch (StorageException failure) {
      LOG.warn("block {} is not stored: {}", block, failure.getMessage());
    }
  }
}
