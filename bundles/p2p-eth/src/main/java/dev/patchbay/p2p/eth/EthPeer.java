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
  private final EthVersion version;
  private final PeerConnection connection;
  private final Handshake handshake;
  private final EthService service;
  private final HashSetRing known;
  private final HashSetRing knownBlocks;
  private final Requests requests;
  private final Outbox outbox;

  /** The head of the peer as it has stated it; null before its Status. */
  private volatile @Nullable PeerHead head;

  /** The latest block that the peer has, as it has stated it; null before its Status. */
  private volatile @Nullable ChainHead chainHead;

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

  /** Returns what the peer is going to get. */
  Outbox outbox() {
    return outbox;
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
      case MessageCode.NEW_BLOCK -> receive(NewBlock.decode(payload), payload.size());
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

  private void stated(PeerHead now) {
    head = now;
    chainHead =
        now instanceof BlockRange range
            ? new ChainHead(range.latestHash(), range.latest(), null)
            : new ChainHead(
                now.latestHash(), null, ((PeerHead.TotalDifficulty) now).totalDifficulty());
  }

  /** Takes an announced block as the head, unless it is less than what the peer has stated. */
  private void announced(ChainHead block) {
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

  private void receive(NewBlock message, int bytes) {
    knownBlocks.add(message.block().hash());
    announced(
        new ChainHead(message.block().hash(), message.block().number(), message.totalDifficulty()));
    service.events().received(id(), message, bytes);
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
    for (Transaction transaction : message.transactions()) {
      known.add(transaction.hash());
      service.received(this, new BlobSidecar.Pooled(transaction, null));
    }
    service.events().received(id(), message, bytes);
  }

  private void receive(NewPooledTransactionHashes message) {
    message.announced().forEach(one -> known.add(one.hash()));
    service.fetcher().announced(this, message.announced());
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
   * Announces a block.
   *
   * @return false when the peer knows it, its client does not accept announcements of blocks, or
   *     the peer does not read
   */
  boolean announce(Hash hash, long number) {
    if (!BlockGossipPolicy.accepts(connection.clientId()) || knownBlocks.contains(hash)) {
      return false;
    }
    NewBlockHashes message =
        new NewBlockHashes(List.of(new NewBlockHashes.Announced(hash, number)));
    return connection.offer(message.code(), message.encode()) && knownBlocks.add(hash);
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
  public @Nullable ChainHead head() {
    return chainHead;
  }

  @Override
  public Map<String, Object> info() {
    PeerHead stated = head;
    ChainHead latest = chainHead;
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
