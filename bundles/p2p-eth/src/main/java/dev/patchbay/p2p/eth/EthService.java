// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.p2p.eth;

import dev.patchbay.api.p2p.DisconnectReason;
import dev.patchbay.api.p2p.PeerBreachException;
import dev.patchbay.api.p2p.PeerConnection;
import dev.patchbay.binding.Failures;
import dev.patchbay.binding.Loop;
import dev.patchbay.p2p.eth.TransactionImporter.Outcome;
import dev.patchbay.primitives.BlobSidecar;
import java.util.List;
import java.util.function.Consumer;
import java.util.function.LongSupplier;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * What the versions of the sub-protocol share: the peers, the servers of chain and pool, and the
 * exchange of transactions. One thread sends announcements, requests and updates; two add
 * transactions to the pool, one of them those with blobs, whose proofs take up to a tenth of a
 * second each.
 *
 * <p>Threading: any thread.
 */
final class EthService implements AutoCloseable {
  private static final Logger LOG = LoggerFactory.getLogger(EthService.class);

  /** Milliseconds between two looks at what is due, while there are peers. */
  private static final long TICK_MILLIS = 100;

  /** Transactions of which this node remembers that a peer has them; as geth. */
  private static final int MAX_KNOWN = 32_768;

  /** Blocks of which this node remembers that a peer knows them; as geth. */
  private static final int MAX_KNOWN_BLOCKS = 1_024;

  private final NodeServices services;
  private final EthRecord nodeRecord;
  private final SipHash keyed;
  private final LongSupplier millis;
  private final PeerSet peers = new PeerSet();
  private final ChainServer chain;
  private final PoolServer pool;
  private final TransactionImporter plainImporter;
  private final TransactionImporter blobImporter;
  private final TransactionFetcher fetcher;
  private final TransactionGossip gossip;
  private final EthEvents events = new EthEvents();
  private final EntryBudget knownEntries = EntryBudget.ofHeap();
  private final BlockSender blocks;
  private final EthCommands commands;
  private final RangeUpdates ranges;
  private final Loop ticker;
  private final Loop plainLoop;
  private final Loop blobLoop;

  /**
   * Creates a service whose threads are not started.
   *
   * @param random random numbers, for keys
   * @param millis monotonic time in milliseconds
   * @param maxQueuedBytes most bytes of transactions that wait for the pool, with blobs and without
   *     them
   * @param blockGossip how new blocks are sent
   */
  EthService(
      NodeServices services,
      LongSupplier random,
      LongSupplier millis,
      long maxQueuedBytes,
      BlockGossipMode blockGossip) {
    this.services = services;
    this.millis = millis;
    nodeRecord = new EthRecord(services);
    keyed = SipHash.random(random);
    chain = new ChainServer(services);
    pool = new PoolServer(services);
    TransactionHistory history = new TransactionHistory(keyed, millis);
    plainImporter = new TransactionImporter(services, history, maxQueuedBytes);
    blobImporter = new TransactionImporter(services, history, maxQueuedBytes);
    fetcher =
        new TransactionFetcher(
            hash -> history.isRejected(hash) || pool.get(hash) != null, this::queue, millis);
    ranges = new RangeUpdates(services, peers, millis);
    ticker = loop("p2p-eth-gossip-0", "the exchange with peers", this::tick);
    plainLoop = loop("p2p-eth-import-0", "adding transactions of peers", plainImporter::step);
    blobLoop = loop("p2p-eth-import-1", "adding blob transactions of peers", blobImporter::step);
    gossip = new TransactionGossip(peers, pool, history, keyed, millis, ticker::wake);
    blocks = new BlockSender(peers, services, keyed, blockGossip, millis);
    commands = new EthCommands(peers, blocks, gossip);
  }

  private static Loop loop(String thread, String name, Loop.Step step) {
    return new Loop(thread, new Failures(name, LOG::warn, LOG::info), step);
  }

  /** Starts the threads; at most once. */
  void start() {
    ticker.start();
    plainLoop.start();
    blobLoop.start();
  }

  /** Ends the threads, and waits for them. */
  @Override
  public void close() {
    ticker.close();
    plainLoop.close();
    blobLoop.close();
  }

  /** Returns the latest failure of a thread as one line; null when all of them work. */
  @Nullable String failure() {
    for (Loop loop : List.of(ticker, plainLoop, blobLoop)) {
      String failure = loop.failure();
      if (failure != null) {
        return failure;
      }
    }
    return null;
  }

  /** Does what is due; a step of a {@link Loop}. */
  long tick() {
    peers.list().forEach(peer -> peer.requests().expire());
    fetcher.schedule();
    blocks.step();
    gossip.step();
    ranges.step();
    return peers.isEmpty() ? Loop.UNTIL_WOKEN : TICK_MILLIS;
  }

  /**
   * Begins the conversation with a peer: sends Status.
   *
   * @throws PeerBreachException while the chain is missing; the peer may try again later
   */
  EthPeer connect(EthVersion version, PeerConnection connection) throws PeerBreachException {
    Handshake handshake = services.withChain(reader -> Handshake.of(reader, version));
    if (handshake == null) {
      throw new PeerBreachException(
          DisconnectReason.REQUESTED, "the chain of this node is not available now");
    }
    EthPeer peer = new EthPeer(version, connection, handshake, this);
    peer.start();
    return peer;
  }

  /** Adds a peer whose handshake has succeeded. */
  void established(EthPeer peer) {
    peers.add(peer);
    gossip.connected(peer);
  }

  /** Removes a peer. */
  void disconnected(EthPeer peer) {
    peers.remove(peer);
    fetcher.remove(peer);
  }

  /** Takes a transaction that a peer has sent without a request for it. */
  void received(EthPeer peer, BlobSidecar.Pooled pooled) {
    if (queue(peer, pooled, outcome -> {})) {
      fetcher.arrived(pooled.transaction().hash());
    }
  }

  private boolean queue(
      TransactionSource source, BlobSidecar.Pooled pooled, Consumer<Outcome> done) {
    boolean blobs = pooled.sidecar() != null;
    boolean queued = (blobs ? blobImporter : plainImporter).offer(source, pooled, done);
    if (queued) {
      (blobs ? blobLoop : plainLoop).wake();
    }
    return queued;
  }

  /** Creates the set of transactions that a peer has. */
  HashSetRing newKnownTransactions() {
    return new HashSetRing(keyed, MAX_KNOWN, knownEntries);
  }

  /** Creates the set of blocks that a peer knows. */
  HashSetRing newKnownBlocks() {
    return new HashSetRing(keyed, MAX_KNOWN_BLOCKS, knownEntries);
  }

  /**
   * Returns whether many blocks are missing here: the pool cannot judge transactions by the state
   * of the head, and those of peers are ignored, as in geth.
   */
  boolean isBehind() {
    return services.isBehind();
  }

  /**
   * Returns whether the chain may import a new block of a peer: no consensus client drives the
   * chain (EIP-3675), and the block is near the head and not known.
   */
  boolean isOfInterest(NewBlockHeader block) {
    return services.withChain(
        reader -> {
          long number = block.header().number();
          long head = reader.head().number();
          return !reader.config().isDriven()
              && number >= Math.max(0, head - EthLimits.MAX_NEW_BLOCK_BELOW)
              && number <= head + EthLimits.MAX_NEW_BLOCK_ABOVE
              && reader.header(block.hash()) == null;
        },
        false);
  }

  EthEvents events() {
    return events;
  }

  EthCommands commands() {
    return commands;
  }

  LongSupplier millis() {
    return millis;
  }

  EthRecord nodeRecord() {
    return nodeRecord;
  }

  ChainServer chain() {
    return chain;
  }

  PoolServer pool() {
    return pool;
  }

  TransactionFetcher fetcher() {
    return fetcher;
  }

  TransactionGossip gossip() {
    return gossip;
  }

  PeerSet peers() {
    return peers;
  }

  TransactionImporter plainImporter() {
    return plainImporter;
  }

  TransactionImporter blobImporter() {
    return blobImporter;
  }
}
