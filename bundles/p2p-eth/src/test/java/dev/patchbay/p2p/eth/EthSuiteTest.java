// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.p2p.eth;

import static org.assertj.core.api.Assertions.assertThat;

import dev.patchbay.api.p2p.DisconnectReason;
import dev.patchbay.api.p2p.PeerBreachException;
import dev.patchbay.api.txpool.AddResult;
import dev.patchbay.api.txpool.AddResult.Reason;
import dev.patchbay.p2p.eth.NewPooledTransactionHashes.Announced;
import dev.patchbay.primitives.BlobSidecar;
import dev.patchbay.primitives.BlockHeader;
import dev.patchbay.primitives.Bytes;
import dev.patchbay.primitives.Hash;
import dev.patchbay.primitives.Log;
import dev.patchbay.primitives.Receipt;
import dev.patchbay.primitives.Transaction;
import dev.patchbay.primitives.TransactionType;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import org.junit.jupiter.api.Test;

/**
 * The cases of the eth test suite of geth's devp2p tool, by name, against fakes of chain, pool and
 * transport. Its case MaliciousHandshake concerns the transport alone.
 */
class EthSuiteTest extends EthFixture {
  private static GetBlockHeaders headersFrom(long id, long number, long limit) {
    return new GetBlockHeaders(id, new GetBlockHeaders.ByNumber(number), limit, 0, false);
  }

  private static List<BlockHeaders> headers(Peer peer) {
    return peer.connection.take(MessageCode.BLOCK_HEADERS, BlockHeaders::decode);
  }

  private static List<Long> numbers(BlockHeaders reply) {
    return reply.decodeHeaders().stream().map(BlockHeader::number).toList();
  }

  @Test
  void status() throws PeerBreachException {
    Peer peer = new Peer(EthVersion.ETH_70, "a");
    assertThat(peer.status().genesis()).isEqualTo(chain.genesis().hash());
    peer.send(peer.status());
    assertThat(peer.connection.isEstablished).isTrue();
  }

  @Test
  void blockRangeUpdateExpired() throws PeerBreachException {
    Peer peer = peer("a");
    peer.send(new BlockRangeUpdate(new BlockRange(40, 50, chain.head().hash())));
    assertThat(peer.connection.reason).isNull();
  }

  @Test
  void blockRangeUpdateFuture() throws PeerBreachException {
    Peer peer = peer("a");
    peer.send(new BlockRangeUpdate(new BlockRange(0, 60, hash(1))));
    assertThat(peer.connection.reason).isNull();
  }

  @Test
  void blockRangeUpdateInvalid() throws PeerBreachException {
    for (BlockRange range :
        List.of(new BlockRange(10, 8, chain.canonicalHash(8)), new BlockRange(0, 8, Hash.ZERO))) {
      Peer peer = peer("a");
      assertBreach(
          DisconnectReason.SUBPROTOCOL_ERROR, () -> peer.send(new BlockRangeUpdate(range)));
    }
  }

  @Test
  void getBlockHeaders() throws PeerBreachException {
    Peer peer = peer("a");
    Hash origin = chain.canonicalHash(1);
    peer.send(new GetBlockHeaders(33, new GetBlockHeaders.ByHash(origin), 2, 1, false));
    BlockHeaders reply = headers(peer).get(0);
    assertThat(reply.requestId()).isEqualTo(33);
    assertThat(numbers(reply)).containsExactly(1L, 3L);
  }

  @Test
  void getNonexistentBlockHeaders() throws PeerBreachException {
    Peer peer = peer("a");
    peer.send(headersFrom(1, -1, 1));
    peer.send(headersFrom(2, 52, 1));
    peer.send(new GetBlockHeaders(3, new GetBlockHeaders.ByHash(hash(1)), 1, 0, false));
    assertThat(headers(peer)).hasSize(3).allMatch(reply -> reply.headers().isEmpty());
  }

  @Test
  void simultaneousRequests() throws PeerBreachException {
    Peer peer = peer("a");
    peer.send(headersFrom(111, 5, 2));
    peer.send(headersFrom(222, 7, 2));
    List<BlockHeaders> replies = headers(peer);
    assertThat(replies).extracting(BlockHeaders::requestId).containsExactly(111L, 222L);
    assertThat(numbers(replies.get(0))).containsExactly(5L, 6L);
    assertThat(numbers(replies.get(1))).containsExactly(7L, 8L);
  }

  @Test
  void sameRequestId() throws PeerBreachException {
    Peer peer = peer("a");
    peer.send(headersFrom(1234, 5, 2));
    peer.send(headersFrom(1234, 7, 2));
    peer.send(new GetBlockBodies(1234, List.of(chain.canonicalHash(3))));
    assertThat(headers(peer)).extracting(BlockHeaders::requestId).containsExactly(1234L, 1234L);
    assertThat(peer.connection.takeOne(MessageCode.BLOCK_BODIES, BlockBodies::decode).requestId())
        .isEqualTo(1234);
  }

  @Test
  void zeroRequestId() throws PeerBreachException {
    Peer peer = peer("a");
    peer.send(headersFrom(0, 0, 2));
    BlockHeaders reply = headers(peer).get(0);
    assertThat(reply.requestId()).isZero();
    assertThat(numbers(reply)).containsExactly(0L, 1L);
  }

  @Test
  void getBlockBodies() throws PeerBreachException {
    Peer peer = peer("a");
    peer.send(new GetBlockBodies(55, List.of(chain.canonicalHash(5), chain.canonicalHash(0))));
    BlockBodies reply = peer.connection.takeOne(MessageCode.BLOCK_BODIES, BlockBodies::decode);
    assertThat(reply.requestId()).isEqualTo(55);
    assertThat(reply.decodeBodies()).hasSize(2);
  }

  @Test
  void getReceipts() throws PeerBreachException {
    for (EthVersion version : EthVersion.values()) {
      Peer peer = peer(version, version.name());
      chain.receipts.put(chain.canonicalHash(5), MessageTest.receipts());
      peer.send(
          new GetReceipts(version, 66, 0, List.of(chain.canonicalHash(5), chain.canonicalHash(6))));
      Receipts reply =
          peer.connection.takeOne(MessageCode.RECEIPTS, p -> Receipts.decode(version, p));
      assertThat(reply.requestId()).isEqualTo(66);
      assertThat(reply.decodeBlocks()).isEqualTo(List.of(MessageTest.receipts(), List.of()));
    }
  }

  @Test
  void getLargeReceipts() throws PeerBreachException {
    List<Receipt> all = new ArrayList<>();
    for (int i = 0; i < 100; i++) {
      Log log = new Log(TO, List.of(), Bytes.wrap(new byte[120_000]));
      all.add(Receipt.of(TransactionType.FEE_MARKET, true, i + 1, List.of(log)));
    }
    Hash block = chain.canonicalHash(5);
    chain.receipts.put(block, all);
    Peer peer = peer(EthVersion.ETH_70, "a");
    List<Receipt> received = new ArrayList<>();
    Receipts reply;
    do {
      peer.send(new GetReceipts(EthVersion.ETH_70, 7, received.size(), List.of(block)));
      reply =
          peer.connection.takeOne(MessageCode.RECEIPTS, p -> Receipts.decode(EthVersion.ETH_70, p));
      assertThat(reply.decodeBlocks().get(0)).as("progress").isNotEmpty();
      received.addAll(reply.decodeBlocks().get(0));
    } while (reply.lastBlockIncomplete());
    assertThat(received).isEqualTo(all);
  }

  @Test
  void largeTxRequest() throws PeerBreachException {
    List<Transaction> all = txs(2_000);
    Peer sender = peer("a");
    Peer receiver = peer("b");
    sender.send(new Transactions(all));
    importAll();
    service.tick();
    Set<Hash> got = new HashSet<>(receiver.announced());
    receiver.broadcast().forEach(tx -> got.add(tx.hash()));
    assertThat(got).as("all are passed on").hasSize(2_000);
    Peer third = peer("c");
    third.send(new GetPooledTransactions(1234, all.stream().map(Transaction::hash).toList()));
    PooledTransactions reply =
        third.connection.takeOne(MessageCode.POOLED_TRANSACTIONS, PooledTransactions::decode);
    assertThat(reply.requestId()).isEqualTo(1234);
    assertThat(reply.transactions()).hasSize(2_000);
  }

  @Test
  void transaction() throws PeerBreachException {
    Peer sender = peer("a");
    Peer receiver = peer("b");
    sender.send(new Transactions(txs(1)));
    importAll();
    service.tick();
    assertThat(receiver.broadcast()).isEqualTo(txs(1));
  }

  @Test
  void invalidTxs() throws PeerBreachException {
    pool.judge = (tx, sidecar) -> new AddResult.Rejected(Reason.NONCE_TOO_LOW, "nonce too low");
    Peer sender = peer("a");
    Peer receiver = peer("b");
    sender.send(new Transactions(txs(5)));
    importAll();
    service.tick();
    assertThat(receiver.connection.sent).isEmpty();
    assertThat(sender.connection.reason).as("it may not have the latest block").isNull();
  }

  @Test
  void newPooledTxs() throws PeerBreachException {
    Peer peer = peer("a");
    peer.send(announce(txs(50)));
    pass(500);
    assertThat(peer.request().hashes()).hasSize(50);
  }

  @Test
  void blobViolations() throws PeerBreachException {
    List<BlobSidecar.Pooled> blobs =
        List.of(
            new BlobSidecar.Pooled(blobTx(0, 1), sidecar(0, 1)),
            new BlobSidecar.Pooled(blobTx(1, 1), sidecar(0, 1)));
    Announced right = announcement(blobs.get(0));
    Announced second = announcement(blobs.get(1));
    for (List<Announced> wrong :
        List.of(
            List.of(right, new Announced(second.hash(), 3, second.size() + 10)),
            List.of(new Announced(right.hash(), 2, right.size()), second))) {
      Peer peer = peer("a");
      peer.send(new NewPooledTransactionHashes(wrong));
      pass(500);
      List<Hash> requested = new ArrayList<>();
      for (GetPooledTransactions request : peer.requests()) {
        requested.addAll(request.hashes());
        BlobSidecar.Pooled[] reply =
            blobs.stream()
                .filter(blob -> request.hashes().contains(blob.transaction().hash()))
                .toArray(BlobSidecar.Pooled[]::new);
        peer.send(deliver(request.requestId(), reply));
      }
      importAll();
      if (peer.connection.reason == null) { // each is requested alone: the second one now
        pass(100);
        GetPooledTransactions request = peer.request();
        peer.send(deliver(request.requestId(), blobs.get(1)));
      }
      assertThat(peer.connection.reason).isEqualTo(DisconnectReason.PROTOCOL_BREACH);
      pool.clear();
      pool.sidecars.clear();
    }
  }

  private void badBlobTx(BlobSidecar.Pooled good, BlobSidecar.Pooled bad)
      throws PeerBreachException {
    Peer badPeer = peer("bad");
    badPeer.send(new NewPooledTransactionHashes(List.of(announcement(good))));
    pass(500);
    GetPooledTransactions request = badPeer.request();
    Peer goodPeer = peer("good");
    goodPeer.send(new NewPooledTransactionHashes(List.of(announcement(good))));
    badPeer.send(deliver(request.requestId(), bad));
    assertThat(badPeer.connection.reason).isEqualTo(DisconnectReason.PROTOCOL_BREACH);
    badPeer.handler.disconnected();
    pass(500);
    goodPeer.send(deliver(goodPeer.request().requestId(), good));
    importAll();
    assertThat(goodPeer.connection.reason).isNull();
    assertThat(pool.sidecars).containsEntry(good.transaction().hash(), good.sidecar());
  }

  @Test
  void testBlobTxWithoutSidecar() throws PeerBreachException {
    BlobSidecar.Pooled good = new BlobSidecar.Pooled(blobTx(0, 1), sidecar(0, 1));
    badBlobTx(good, plain(blobTx(0, 1)));
  }

  @Test
  void testBlobTxWithMismatchedSidecar() throws PeerBreachException {
    BlobSidecar right = sidecar(0, 1);
    byte[] commitment = right.commitments().get(0).toArray();
    commitment[0] = (byte) 0x80;
    BlobSidecar wrong =
        new BlobSidecar(0, right.blobs(), List.of(Bytes.wrap(commitment)), right.proofs());
    badBlobTx(
        new BlobSidecar.Pooled(blobTx(0, 1), right), new BlobSidecar.Pooled(blobTx(0, 1), wrong));
  }
}
