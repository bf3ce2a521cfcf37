// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.sync;

import dev.patchbay.api.chain.BlockImporter;
import dev.patchbay.api.chain.ChainListener;
import dev.patchbay.api.chain.ChainReader;
import dev.patchbay.api.chain.FutureBlockException;
import dev.patchbay.api.chain.ImportResult;
import dev.patchbay.api.chain.InvalidBlockException;
import dev.patchbay.api.chain.SettledException;
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
import dev.patchbay.primitives.BlockHeader;
import dev.patchbay.primitives.Hash;
import dev.patchbay.primitives.Transaction;
import dev.patchbay.primitives.Withdrawal;
import java.util.HashMap;
import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.atomic.AtomicLong;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Follows the head: imports blocks that peers send or announce, and passes on those that became the
 * head here, so that no block is passed on before its header, seal and execution were verified. A
 * block that is announced by its hash is requested, header first. What does not continue the chain
 * of this node is left to {@link Synchronizer}.
 *
 * <p>Threading: any thread.
 */
final class BlockGossip implements PeerListener, ChainListener, AutoCloseable {
  private static final Logger LOG = LoggerFactory.getLogger(BlockGossip.class);

  /** Blocks below and above the head that are of interest. */
  private static final long MAX_BELOW = 7;

  private static final long MAX_ABOVE = 32;

  /** Blocks that wait to be passed on; an older one is dropped for a newer one. */
  private static final int MAX_UNSENT = 32;

  /** Blocks that wait for their import, and those of them that one peer has sent. */
  private static final int MAX_WAITING = 64;

  private static final int MAX_WAITING_OF_PEER = 4;

  /** Bytes of a header, an ommer or a withdrawal in memory, about. */
  private static final long ITEM_BYTES = 700;

  /** How often a block from the future is looked at. */
  private static final long EARLY_MILLIS = 100;

  /** Pause when a bundle is being replaced. */
  private static final long RETRY_MILLIS = 200;

  /** Hashes that are requested now. */
  private static final int MAX_REQUESTED = 64;

  /** Of one peer: its connection takes few requests at a time, and the download has its own. */
  private static final int MAX_REQUESTED_OF_PEER = 4;

  /** Blocks that were not valid, and are not looked at again. */
  private static final int MAX_INVALID = 256;

  private record Arrived(PeerId peer, Block block, long bytes) {}

  private final ChainReader chain;
  private final BlockImporter importer;
  private final Bodies bodies;
  private final SyncPeers peers;
  private final Synchronizer synchronizer;
  private final BlockBroadcaster broadcaster;

  /** Most bytes of the blocks that wait, those from the future included. */
  private final long maxWaitingBytes;

  private final AtomicLong waitingBytes = new AtomicLong();

  /** Blocks that wait for their import, by their hashes; guarded by itself. */
  private final Map<Hash, Arrived> arrived = new LinkedHashMap<>();

  /** Hashes that are requested now, and of whom; guarded by itself. */
  private final Map<Hash, PeerId> requested = new HashMap<>();

  private final BlockingQueue<Block> unsent = new LinkedBlockingQueue<>(MAX_UNSENT);

  /** Whether the head may have changed before this was a listener. */
  private volatile boolean hasMissed;

  // ---- of the thread that imports
  private final Map<Hash, Arrived> early = new LinkedHashMap<>();
  private final Set<Hash> invalid = new LinkedHashSet<>();

  private final Loop loop;

  /** The store fails for one block as for the next: it is not logged for each. */
  private final Failures storing =
      new Failures(
          "storing new blocks of peers", (message, failure) -> LOG.warn(message), LOG::info);

  /**
   * Creates one whose thread is not started.
   *
   * @param maxWaitingBytes most bytes of the blocks that wait for their import
   */
  BlockGossip(
      ChainReader chain,
      BlockImporter importer,
      SyncPeers peers,
      Synchronizer synchronizer,
      BlockBroadcaster broadcaster,
      long maxWaitingBytes) {
    this.chain = chain;
    this.importer = importer;
    bodies = new Bodies(chain.config());
    this.peers = peers;
    this.synchronizer = synchronizer;
    this.broadcaster = broadcaster;
    this.maxWaitingBytes = maxWaitingBytes;
    loop =
        new Loop(
            "sync-gossip-0", new Failures("following the head", LOG::warn, LOG::info), this::step);
  }

  void start() {
    loop.start();
  }

  /**
   * Has the head passed on. To be called once this is a listener: a block that was sealed before,
   * while the bundle was updated, is known to no peer. A peer that knows it is not sent it again.
   */
  void announceHead() {
    hasMissed = true;
    loop.wake();
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
    boolean isHandled = false;
    try {
      if (event instanceof PeerEvent.NewBlock block) {
        isHandled =
            isOfInterest(block.hash(), block.number()) && offer(block.peer(), block.block());
      } else if (event instanceof PeerEvent.NewBlockHash announced) {
        isHandled =
            isOfInterest(announced.hash(), announced.number())
                && request(announced.peer(), announced.hash());
      }
    } catch (NotReadyException | StorageUnavailableException missing) {
      // a bundle is being replaced
    }
    if (!isHandled) {
      synchronizer.wake();
    }
  }

  @Override
  public void eventsLost(long count) {
    synchronizer.wake();
  }

  private boolean isOfInterest(Hash hash, long number) {
    long head = chain.head().number();
    return !chain.config().isDriven()
        && number >= Math.max(0, head - MAX_BELOW)
        && number <= head + MAX_ABOVE
        && chain.header(hash) == null;
  }

  /** Has a block imported; returns false when there is no room for it. */
  private boolean offer(PeerId peer, Block block) {
    Arrived one = new Arrived(peer, block, bytes(block));
    synchronized (arrived) {
      if (arrived.containsKey(block.hash())) {
        return true;
      }
      long ofPeer = arrived.values().stream().filter(other -> other.peer.equals(peer)).count();
      if (arrived.size() >= MAX_WAITING
          || ofPeer >= MAX_WAITING_OF_PEER
          || waitingBytes.get() + one.bytes > maxWaitingBytes) {
        return false;
      }
      waitingBytes.addAndGet(one.bytes);
      arrived.put(block.hash(), one);
    }
    loop.wake();
    return true;
  }

  private static long bytes(Block block) {
    List<Withdrawal> withdrawals = block.withdrawals();
    long bytes =
        ITEM_BYTES * (1 + block.ommers().size() + (withdrawals == null ? 0 : withdrawals.size()));
    for (Transaction transaction : block.transactions()) {
      bytes += ITEM_BYTES + transaction.encodedSize();
    }
    return bytes;
  }

  /** Requests a block unless that was done; returns false when there are too many requests. */
  private boolean request(PeerId peer, Hash hash) {
    synchronized (requested) {
      if (requested.containsKey(hash)) {
        return true;
      }
      long ofPeer = requested.values().stream().filter(peer::equals).count();
      if (requested.size() >= MAX_REQUESTED || ofPeer >= MAX_REQUESTED_OF_PEER) {
        return false;
      }
      requested.put(hash, peer);
    }
    CompletableFuture<@Nullable Block> reply;
    try {
      reply =
          peers
              .headers(
                  new PeerCommand.GetBlockHeaders(peer, new HeaderStart.ByHash(hash), 1, 0, false))
              .thenCompose(headers -> body(peer, headers));
    } catch (Throwable failure) { // of a network
      received(peer, hash, null, failure);
      throw failure;
    }
    reply.whenComplete((block, failure) -> received(peer, hash, block, failure));
    return true;
  }

  private CompletableFuture<@Nullable Block> body(PeerId peer, List<BlockHeader> headers) {
    if (headers.isEmpty()) {
      return CompletableFuture.completedFuture(null);
    }
    BlockHeader header = headers.get(0);
    Block empty = bodies.emptyBlock(header);
    if (empty != null) {
      return CompletableFuture.completedFuture(empty);
    }
    return peers
        .bodies(new PeerCommand.GetBlockBodies(peer, List.of(header.computeHash())))
        .thenApply(bodies -> bodies.isEmpty() ? null : bodies.get(0).toBlock(header));
  }

  private void received(
      PeerId peer, Hash hash, @Nullable Block block, @Nullable Throwable failure) {
    synchronized (requested) {
      requested.remove(hash);
    }
    if (failure != null) {
      peers.failed(peer, failure);
    }
    if (block == null || !offer(peer, block)) {
      synchronizer.wake(); // it finds what is missed
    }
  }

  // ---- what becomes of it

  @Override
  public void headChanged(List<Block> removed, List<Block> added) {
    if (added.isEmpty()) {
      return;
    }
    passOn(added.get(added.size() - 1));
    loop.wake();
  }

  private void passOn(Block head) {
    while (!unsent.offer(head)) {
      unsent.poll();
    }
  }

  @Override
  public void headRequested() {
    synchronizer.wake();
  }

  private long step() {
    try {
      takeEarly();
      for (Arrived next = poll(); next != null; next = poll()) {
        takeOnce(next);
      }
      if (hasMissed) {
        passOn(chain.head());
        hasMissed = false;
      }
      for (Block next = unsent.poll(); next != null; next = unsent.poll()) {
        if (!synchronizer.isBehind()) {
          broadcaster.broadcast(next);
        }
      }
    } catch (NotReadyException | StorageUnavailableException missing) {
      synchronizer.wake(); // it finds what is missed
      return RETRY_MILLIS;
    }
    return early.isEmpty() ? Loop.UNTIL_WOKEN : EARLY_MILLIS;
  }

  private @Nullable Arrived poll() {
    synchronized (arrived) {
      Iterator<Arrived> all = arrived.values().iterator();
      Arrived next = all.hasNext() ? all.next() : null;
      if (next != null) {
        all.remove();
      }
      return next;
    }
  }

  private void takeEarly() {
    List<Arrived> waiting = List.copyOf(early.values());
    for (Arrived next : waiting) {
      early.remove(next.block.hash());
      takeOnce(next);
    }
  }

  /** Takes a block, which waits no longer unless it is too early. */
  private void takeOnce(Arrived next) {
    try {
      take(next);
    } finally {
      if (early.get(next.block.hash()) != next) {
        waitingBytes.addAndGet(-next.bytes);
      }
    }
  }

  private void take(Arrived next) {
    PeerId peer = next.peer;
    Block block = next.block;
    Hash hash = block.hash();
    BlockHeader parent = chain.header(block.header().parentHash());
    if (chain.header(hash) != null || invalid.contains(hash)) {
      return;
    }
    if (parent == null) {
      synchronizer.wake(); // it finds the ancestors
      return;
    }
    FutureBlockException future = null;
    try {
      importer.verifyHeader(block.header(), parent, chain);
    } catch (FutureBlockException early) {
      future = early;
    } catch (InvalidBlockException invalid) {
      peers.ban(peer, "block " + block + " is invalid: " + invalid.getMessage());
      return;
    }
    if (!bodies.belongTogether(block)) {
      peers.ban(peer, "the body of block " + block + " is not the one that its header names");
      return;
    }
    if (future == null) {
      importValid(peer, block);
    } else if (future.isDueSoon() && hasRoomForEarly(next)) {
      early.putIfAbsent(hash, next);
    } else {
      LOG.debug("block {} of peer {}: {}", block, peer.shortText(), future.getMessage());
    }
  }

  /** Returns whether an early block may wait: half of the bytes are for those that are due. */
  private boolean hasRoomForEarly(Arrived next) {
    long bytes = early.values().stream().mapToLong(Arrived::bytes).sum() + next.bytes;
    return early.size() < MAX_WAITING && bytes <= maxWaitingBytes / 2;
  }

  /** Imports a block whose seal is valid. A peer that relays it could not know what it does. */
  private void importValid(PeerId peer, Block block) {
    block.recoverSenders();
    try {
      ImportResult result = importer.importBlock(block);
      storing.succeeded();
      if (result instanceof ImportResult.Imported imported && imported.becameHead()) {
        peers.wasOfUse(peer);
      } else if (result instanceof ImportResult.Invalid refused) {
        LOG.warn("block {} of a peer is invalid: {}", block, refused.reason());
        if (invalid.size() >= MAX_INVALID) {
          invalid.clear();
        }
        invalid.add(block.hash());
      }
    } catch (SettledException settled) { // the store is well
      LOG.debug("block {} of peer {}: {}", block, peer.shortText(), settled.getMessage());
    } catch (StorageException failure) { // the store reports its health itself
      storing.failed(failure);
    }
  }
}
