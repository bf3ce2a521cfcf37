// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.p2p.eth;

import dev.patchbay.api.p2p.ChainHead;
import dev.patchbay.api.p2p.DisconnectReason;
import dev.patchbay.api.p2p.PeerBreachException;
import dev.patchbay.api.p2p.PeerConnection;
import dev.patchbay.api.p2p.PeerId;
import dev.patchbay.api.p2p.ProtocolHandler;
import dev.patchbay.primitives.BlobSidecar;
import dev.patchbay.primitives.Bytes;
import dev.patchbay.primitives.Hash;
import dev.patchbay.primitives.Transaction;
import dev.patchbay.primitives.UInt256;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import org.jspecify.annotations.Nullable;

/** A peer that speaks the eth sub-protocol. */
final class EthPeer implements ProtocolHandler, TransactionSource {
  /** Milliseconds after which a peer has imported a block that it sends, if it is valid. */
  static final long IMPORT_MILLIS = 1_000;

  private record SentBlock(ChainHead head, long millis) {}

  private final EthVersion version;
  private final PeerConnection connection;
  private final Handshake handshake;
  private final EthService service;
  private final HashSetRing known;
  private final HashSetRing knownBlocks;
  private final Requests requests;
  private final Outbox outbox;
  private final BlockOutbox blocks;

  /** The head of the peer as it has stated it; null before its Status. */
  private volatile @Nullable PeerHead head;

  /**
   * The latest block that the peer has, as it has stated it; null before its Status. Guarded by
   * this.
   */
  private @Nullable ChainHead chainHead;

  /**
   * The latest block that the peer has sent, and may not have imported yet; null for none, and when
   * it counts as its head. Guarded by this.
   */
  private @Nullable SentBlock sentBlock;

  /** Whether this node has ended the connection: what still arrives is ignored. */
  private volatile boolean ended;

  /** The range that this node has sent; of the thread that sends updates. */
  private PeerHead sentRange;

  EthPeer(EthVersion version, PeerConnection connection, Handshake handshake, EthService service) {
    this.version = version;
    this.connection = connection;
    this.handshake = handshake;
    this.service = service;
    known = service.newKnownTransactions();
    knownBlocks = service.newKnownBlocks();
    requests = new Requests(connection, version, service.millis(), service.events());
    outbox = new Outbox(connection, known);
    blocks = new BlockOutbox(connection);
    sentRange = handshake.local().head();
  }

  /** Sends Status. */
  void start() {
    send(handshake.local());
  }

  /** Returns which peer it is. */
  PeerId id() {
    return connection.id();
  }

  /** Returns the requests to the peer. */
  Requests requests() {
    return requests;
  }

  /** Returns the transactions that the peer is going to get. */
  Outbox outbox() {
    return outbox;
  }

  /** Returns the new blocks that the peer is going to get. */
  BlockOutbox blocks() {
    return blocks;
  }

  @Override
  public void messageReceived(int message, Bytes payload) throws PeerBreachException {
    if (ended) {
      return;
    }
    if (head == null) {
      handshake(message, payload);
      return;
    }
    if (message >= version.messageCount()) {
      throw breach("message " + message + " is not one of " + version.capability());
    }
    switch (message) {
      case MessageCode.STATUS -> throw breach("a second Status");
      case MessageCode.NEW_BLOCK_HASHES -> receive(NewBlockHashes.decode(payload));
      case MessageCode.NEW_BLOCK -> receiveNewBlock(payload);
      case MessageCode.TRANSACTIONS -> receive(Transactions.decode(payload), payload.size());
      case MessageCode.NEW_POOLED_TRANSACTION_HASHES ->
          receive(NewPooledTransactionHashes.decode(payload));
      case MessageCode.BLOCK_RANGE_UPDATE -> receive(BlockRangeUpdate.decode(payload));
      case MessageCode.GET_BLOCK_HEADERS -> serve(GetBlockHeaders.decode(payload));
      case MessageCode.GET_BLOCK_BODIES -> serve(GetBlockBodies.decode(payload));
      case MessageCode.GET_RECEIPTS ->
          send(service.chain().receipts(GetReceipts.decode(version, payload)));
      case MessageCode.GET_BLOCK_ACCESS_LISTS ->
          send(service.chain().accessLists(GetBlockAccessLists.decode(payload)));
      case MessageCode.GET_POOLED_TRANSACTIONS ->
          send(service.pool().transactions(GetPooledTransactions.decode(payload), known::add));
      case MessageCode.BLOCK_HEADERS -> requests.received(BlockHeaders.decode(payload));
      case MessageCode.BLOCK_BODIES -> requests.received(BlockBodies.decode(payload));
      case MessageCode.RECEIPTS -> requests.received(Receipts.decode(version, payload));
      case MessageCode.BLOCK_ACCESS_LISTS -> requests.received(BlockAccessLists.decode(payload));
      case MessageCode.POOLED_TRANSACTIONS -> requests.received(PooledTransactions.decode(payload));
      default -> throw breach("unknown message " + message);
    }
  }

  private void handshake(int message, Bytes payload) throws PeerBreachException {
    if (message != MessageCode.STATUS) {
      throw breach("message " + message + " before Status");
    }
    Status remote = Status.decode(version, payload);
    handshake.check(remote);
    stated(remote.head());
    service.established(this); // first: the event of the connection may bring a request at once
    connection.established();
  }

  private void receive(BlockRangeUpdate update) throws PeerBreachException {
    Handshake.checkRange(update.range());
    stated(update.range());
  }

  private synchronized void stated(PeerHead now) {
    head = now;
    chainHead =
        now instanceof BlockRange range
            ? new ChainHead(range.latestHash(), range.latest(), null)
            : new ChainHead(
                now.latestHash(), null, ((PeerHead.TotalDifficulty) now).totalDifficulty());
  }

  /** Takes an announced block as the head, unless it is less than what the peer has stated. */
  private synchronized void announced(ChainHead block) {
    ChainHead before = chainHead;
    boolean isLess =
        before != null
            && (before.totalDifficulty() != null && block.totalDifficulty() != null
                ? block.totalDifficulty().compareTo(before.totalDifficulty()) < 0
                : before.number() != null
                    && block.number() != null
                    && Long.compareUnsigned(block.number(), before.number()) < 0);
    if (!isLess) {
      chainHead = block;
    }
  }

  private void receive(NewBlockHashes message) {
    message.blocks().forEach(block -> knownBlocks.add(block.hash()));
    message.blocks().stream()
        .max((a, b) -> Long.compareUnsigned(a.number(), b.number()))
        .ifPresent(block -> announced(new ChainHead(block.hash(), block.number(), null)));
    service.events().received(id(), message);
  }

  private void receiveNewBlock(Bytes payload) throws PeerBreachException {
    NewBlockHeader block = NewBlockHeader.decode(payload);
    ChainHead parent = block.parent();
    synchronized (this) {
      announced(parent);
      sentBlock = new SentBlock(block.head(), service.millis().getAsLong());
    }
    knownBlocks.add(block.hash());
    if (service.isOfInterest(block)) {
      service.events().received(id(), NewBlock.decode(payload), payload.size());
    }
  }

  private void serve(GetBlockHeaders request) {
    send(service.chain().headers(request));
    service.events().received(id(), request);
  }

  private void serve(GetBlockBodies request) {
    send(service.chain().bodies(request));
    service.events().received(id(), request);
  }

  private void receive(Transactions message, int bytes) throws PeerBreachException {
    for (Transaction transaction : message.transactions()) {
      TransactionChecks.checkBroadcast(transaction);
    }
    boolean isBehind = service.isBehind();
    for (Transaction transaction : message.transactions()) {
      known.add(transaction.hash());
      if (!isBehind) {
        service.received(this, new BlobSidecar.Pooled(transaction, null));
      }
    }
    service.events().received(id(), message, bytes);
  }

  private void receive(NewPooledTransactionHashes message) {
    message.announced().forEach(one -> known.add(one.hash()));
    if (!service.isBehind()) {
      service.fetcher().announced(this, message.announced());
    }
  }

  /** Sends a block range, unless it is the one that was sent before. */
  void updateRange(BlockRange range) {
    if (version.hasBlockRange() && !range.equals(sentRange)) {
      BlockRangeUpdate update = new BlockRangeUpdate(range);
      if (connection.offer(update.code(), update.encode())) {
        sentRange = range;
      }
    }
  }

  /**
   * Returns whether the peer is to learn of a block: it does not know the block, and its client
   * accepts blocks.
   */
  boolean isToLearnOfBlock(Hash hash) {
    return BlockGossipPolicy.accepts(connection.clientId()) && !knownBlocks.contains(hash);
  }

  /** Sends a block in full, now or when the peer reads; returns false when the peer knows it. */
  boolean send(BlockOutbox.Full block) {
    boolean isNew = knownBlocks.add(block.announced().hash());
    if (isNew) {
      blocks.add(block);
    }
    return isNew;
  }

  /** Announces a block, now or when the peer reads; returns false when the peer knows it. */
  boolean announce(NewBlockHashes.Announced block) {
    boolean isNew = knownBlocks.add(block.hash());
    if (isNew) {
      blocks.announce(block);
    }
    return isNew;
  }

  /** Announces a block that was sent before, unless the peer has shown it as its head. */
  void announceAgain(NewBlockHashes.Announced block) {
    ChainHead shown = head();
    if (BlockGossipPolicy.accepts(connection.clientId())
        && (shown == null || !block.hash().equals(shown.hash()))) {
      blocks.announce(block);
    }
  }

  private void send(EthMessage message) {
    connection.send(message.code(), message.encode());
  }

  @Override
  public CompletableFuture<List<BlobSidecar.Pooled>> requestTransactions(List<Hash> hashes) {
    return requests.transactions(hashes);
  }

  @Override
  public void end(PeerBreachException breach) {
    ended = true;
    service.disconnected(this);
    connection.disconnect(breach.reason(), String.valueOf(breach.getMessage()));
  }

  @Override
  public void disconnected() {
    service.disconnected(this);
    requests.close();
    known.close();
    knownBlocks.close();
  }

  @Override
  public synchronized @Nullable ChainHead head() {
    SentBlock sent = sentBlock;
    if (sent != null && service.millis().getAsLong() - sent.millis >= IMPORT_MILLIS) {
      sentBlock = null;
      announced(sent.head);
    }
    return chainHead;
  }

  @Override
  public Map<String, Object> info() {
    PeerHead stated = head;
    ChainHead latest = head();
    Map<String, Object> out = new LinkedHashMap<>();
    out.put("version", version.number());
    if (stated == null || latest == null) {
      return out;
    }
    if (stated instanceof BlockRange range) {
      out.put("earliestBlock", range.earliest());
      out.put("latestBlock", latest.number() == null ? range.latest() : latest.number());
      out.put("latestBlockHash", latest.hash().toString());
    } else if (stated instanceof PeerHead.TotalDifficulty old) {
      UInt256 announced = latest.totalDifficulty();
      out.put("difficulty", (announced == null ? old.totalDifficulty() : announced).toHex());
      out.put("head", latest.hash().toString());
      if (latest.number() != null) {
        out.put("latestBlock", latest.number());
      }
    }
    return out;
  }

  private static PeerBreachException breach(String message) {
    return new PeerBreachException(DisconnectReason.PROTOCOL_BREACH, message);
  }
}
