// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.p2p.eth;

import static org.assertj.core.api.Assertions.assertThat;

import dev.patchbay.api.p2p.DisconnectReason;
import dev.patchbay.api.p2p.PeerBreachException;
import dev.patchbay.api.storage.StorageException;
import dev.patchbay.api.txpool.AddResult;
import dev.patchbay.api.txpool.AddResult.Reason;
import dev.patchbay.p2p.eth.NewPooledTransactionHashes.Announced;
import dev.patchbay.primitives.BlobSidecar;
import dev.patchbay.primitives.Bytes;
import dev.patchbay.primitives.Hash;
import dev.patchbay.primitives.Transaction;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import org.junit.jupiter.api.Test;

class TransactionFetcherTest extends EthFixture {
  private static final long WAIT = TransactionFetcher.ARRIVAL_MILLIS;

  private static Announced announced(Hash hash, long size) {
    return new Announced(hash, 2, size);
  }

  private static List<Announced> announcements(int from, int count, long size) {
    List<Announced> out = new ArrayList<>();
    for (int i = from; i < from + count; i++) {
      out.add(announced(hash(i), size));
    }
    return out;
  }

  @Test
  void requestsWhatWasAnnouncedAfterHalfASecond() throws PeerBreachException {
    Peer peer = peer("a");
    List<Transaction> all = txs(3);
    peer.send(announce(all));
    pass(WAIT - 1);
    assertThat(peer.requests()).isEmpty();
    pass(1);
    GetPooledTransactions request = peer.request();
    assertThat(request.hashes()).containsExactlyElementsOf(announceHashes(all));
    peer.send(deliver(request.requestId(), all));
    importAll();
    assertThat(pool.added).isEqualTo(all);
    pass(WAIT);
    assertThat(peer.requests()).as("each is requested once").isEmpty();
  }

  private static List<Hash> announceHashes(List<Transaction> transactions) {
    return transactions.stream().map(Transaction::hash).toList();
  }

  @Test
  void doesNotRequestWhatArrivesByItself() throws PeerBreachException {
    Peer announcer = peer("a");
    Peer sender = peer("b");
    announcer.send(announce(txs(2)));
    sender.send(new Transactions(txs(1)));
    pass(WAIT);
    assertThat(announcer.request().hashes()).containsExactly(tx(1).hash());
  }

  /** Fills the room that a peer has for transactions which wait for the pool. */
  private static void fillRoom(Peer peer) throws PeerBreachException {
    List<Transaction> some = Collections.nCopies(1_024, tx(OTHER, 0, 0));
    for (int sent = 0; sent < TransactionImporter.MAX_QUEUED_PER_PEER; sent += some.size()) {
      peer.send(new Transactions(some));
    }
  }

  @Test
  void requestsWhatArrivedByItselfAndFoundNoRoom() throws PeerBreachException {
    Peer announcer = peer("a");
    Peer sender = peer("b");
    announcer.send(announce(txs(1)));
    fillRoom(sender);
    sender.send(new Transactions(txs(1)));
    pass(WAIT);
    GetPooledTransactions request = announcer.request();
    assertThat(request.hashes()).containsExactly(tx(0).hash());
    announcer.send(deliver(request.requestId(), txs(1)));
    importAll();
    assertThat(pool.get(tx(0).hash())).isNotNull();
  }

  @Test
  void requestsAgainWhatFoundNoRoom() throws PeerBreachException {
    Peer first = peer("a");
    Peer second = peer("b");
    first.send(announce(txs(1)));
    second.send(announce(txs(1)));
    pass(WAIT);
    long id = first.request().requestId();
    fillRoom(first);
    first.send(deliver(id, txs(1)));
    pass(WAIT - 1);
    assertThat(second.requests()).isEmpty();
    pass(1);
    assertThat(first.requests()).as("another peer is asked").isEmpty();
    id = second.request().requestId();
    fillRoom(second);
    second.send(deliver(id, txs(1)));
    pass(WAIT);
    id = second.request().requestId(); // there is no other peer
    importAll();
    second.send(deliver(id, txs(1)));
    importAll();
    assertThat(pool.get(tx(0).hash())).isNotNull();
    pass(WAIT);
    assertThat(second.requests()).isEmpty();
  }

  @Test
  void whatFoundNoRoomIsDroppedWithItsLastPeer() throws PeerBreachException {
    Peer peer = peer("a");
    peer.send(announce(txs(1)));
    pass(WAIT);
    long id = peer.request().requestId();
    fillRoom(peer);
    peer.send(deliver(id, txs(1)));
    peer.handler.disconnected();
    importAll();
    Peer next = peer("b");
    next.send(announce(txs(1)));
    pass(WAIT);
    assertThat(next.request().hashes()).containsExactly(tx(0).hash());
  }

  @Test
  void doesNotRequestWhatThePoolHas() throws PeerBreachException {
    Peer peer = peer("a");
    pool.add(tx(0));
    peer.send(announce(txs(2)));
    pass(WAIT);
    assertThat(peer.request().hashes()).containsExactly(tx(1).hash());
  }

  @Test
  void doesNotRequestWhatThePoolHasRejectedRecently() throws PeerBreachException {
    pool.rejectWith(Reason.UNDERPRICED);
    peer("a").send(new Transactions(txs(1)));
    importAll();
    Peer peer = peer("b");
    peer.send(announce(txs(1)));
    pass(WAIT);
    assertThat(peer.requests()).isEmpty();
    pass(300_000);
    peer.send(announce(txs(1)));
    pass(WAIT);
    assertThat(peer.request().hashes()).as("the head has moved").containsExactly(tx(0).hash());
  }

  @Test
  void doesNotRequestTypesThatItCannotDecodeOrThatNoPoolTakes() throws PeerBreachException {
    Peer peer = peer("a");
    List<Announced> all = new ArrayList<>();
    for (int type : new int[] {5, 0x7e, 0x7f, 0xff, 0, 1, 2, 3, 4}) {
      all.add(new Announced(hash(type), type, 100));
    }
    peer.send(new NewPooledTransactionHashes(all));
    pass(WAIT);
    assertThat(peer.request().hashes())
        .containsExactly(hash(0), hash(1), hash(2), hash(3), hash(4));
    assertThat(peer.connection.reason).isNull();
  }

  @Test
  void requestsFromOnePeerAtATime() throws PeerBreachException {
    Peer first = peer("a");
    Peer second = peer("b");
    first.send(announce(txs(1)));
    second.send(announce(txs(1)));
    pass(WAIT);
    assertThat(first.requests()).hasSize(1);
    assertThat(second.requests()).isEmpty();
  }

  @Test
  void aRequestHasAtMost256HashesAndOneIsInFlight() throws PeerBreachException {
    Peer peer = peer("a");
    peer.send(new NewPooledTransactionHashes(announcements(0, 600, 100)));
    pass(WAIT);
    GetPooledTransactions request = peer.request();
    assertThat(request.hashes()).hasSize(256);
    pass(100);
    assertThat(peer.requests()).as("one request at a time").isEmpty();
    peer.send(new PooledTransactions(request.requestId(), List.of()));
    pass(100);
    List<Hash> next = peer.request().hashes();
    assertThat(next).hasSize(256).doesNotContainAnyElementsOf(request.hashes());
  }

  @Test
  void aRequestAsksForAtMost128Kibibytes() throws PeerBreachException {
    Peer peer = peer("a");
    peer.send(new NewPooledTransactionHashes(announcements(0, 10, 50_000)));
    pass(WAIT);
    assertThat(peer.request().hashes()).hasSize(2);
  }

  @Test
  void aLargeTransactionIsRequestedAlone() throws PeerBreachException {
    Peer peer = peer("a");
    List<Announced> all = new ArrayList<>(announcements(0, 1, 1_000_000));
    all.addAll(announcements(1, 1, -1));
    all.addAll(announcements(2, 2, 100));
    peer.send(new NewPooledTransactionHashes(all));
    for (List<Hash> expected :
        List.of(List.of(hash(0)), List.of(hash(1)), List.of(hash(2), hash(3)))) {
      pass(WAIT);
      GetPooledTransactions request = peer.request();
      assertThat(request.hashes()).isEqualTo(expected);
      peer.send(new PooledTransactions(request.requestId(), List.of()));
    }
  }

  @Test
  void asksAnotherPeerAfterATimeout() throws PeerBreachException {
    Peer silent = peer("a");
    Peer other = peer("b");
    silent.send(announce(txs(1)));
    other.send(announce(txs(1)));
    pass(WAIT);
    GetPooledTransactions late = silent.request();
    pass(Requests.TRANSACTIONS_TIMEOUT_MILLIS - 1);
    assertThat(other.requests()).isEmpty();
    pass(1);
    GetPooledTransactions request = other.request();
    assertThat(silent.requests()).as("it is not asked again").isEmpty();
    silent.send(deliver(late.requestId(), txs(1)));
    other.send(deliver(request.requestId(), txs(1)));
    importAll();
    assertThat(pool.added).isEqualTo(txs(1));
  }

  @Test
  void asksAnotherPeerForWhatOneDoesNotHave() throws PeerBreachException {
    Peer first = peer("a");
    Peer second = peer("b");
    first.send(announce(txs(3)));
    second.send(announce(txs(3)));
    pass(WAIT);
    long id = first.request().requestId();
    first.send(deliver(id, List.of(tx(0), tx(2))));
    pass(1);
    assertThat(second.request().hashes()).containsExactly(tx(1).hash());
    assertThat(first.requests()).isEmpty();
  }

  @Test
  void requestsAgainWhatWasCutOff() throws PeerBreachException {
    Peer peer = peer("a");
    peer.send(announce(txs(3)));
    pass(WAIT);
    peer.send(deliver(peer.request().requestId(), List.of(tx(0))));
    pass(1);
    assertThat(peer.request().hashes()).containsExactly(tx(1).hash(), tx(2).hash());
  }

  @Test
  void givesUpWhenNoPeerHasIt() throws PeerBreachException {
    Peer peer = peer("a");
    peer.send(announce(txs(1)));
    pass(WAIT);
    peer.send(deliver(peer.request().requestId(), List.of()));
    pass(10_000);
    assertThat(peer.requests()).isEmpty();
    peer.send(announce(txs(1)));
    pass(WAIT);
    assertThat(peer.requests()).as("a new announcement counts").hasSize(1);
  }

  @Test
  void asksAnotherPeerWhenOneDisconnects() throws PeerBreachException {
    Peer first = peer("a");
    Peer second = peer("b");
    first.send(announce(txs(1)));
    second.send(announce(txs(1)));
    pass(WAIT);
    assertThat(first.requests()).hasSize(1);
    first.handler.disconnected();
    pass(1);
    assertThat(second.requests()).hasSize(1);
  }

  @Test
  void takesAtMost4096AnnouncementsOfAPeer() throws PeerBreachException {
    Peer peer = peer("a");
    peer.send(new NewPooledTransactionHashes(announcements(0, 4_000, 100)));
    peer.send(new NewPooledTransactionHashes(announcements(4_000, 4_000, 100)));
    assertThat(requestedOf(peer)).hasSize(TransactionFetcher.MAX_ANNOUNCED);
    peer.send(new NewPooledTransactionHashes(announcements(9_000, 10, 100)));
    assertThat(requestedOf(peer)).as("there is room again").hasSize(10);
    assertThat(peer.connection.reason).isNull();
  }

  private Set<Hash> requestedOf(Peer peer) throws PeerBreachException {
    Set<Hash> requested = new HashSet<>();
    pass(WAIT);
    for (List<GetPooledTransactions> sent = peer.requests();
        !sent.isEmpty();
        sent = peer.requests()) {
      requested.addAll(sent.get(0).hashes());
      peer.send(new PooledTransactions(sent.get(0).requestId(), List.of()));
      pass(1);
    }
    return requested;
  }

  @Test
  void settledAnnouncementsMakeRoom() throws PeerBreachException {
    Peer peer = peer("a");
    List<Transaction> known = txs(20);
    List<Announced> all = new ArrayList<>(announce(known).announced());
    all.addAll(announcements(0, 4_076, 100));
    peer.send(new NewPooledTransactionHashes(all));
    peer("b").send(new Transactions(known));
    peer.send(new NewPooledTransactionHashes(announcements(5_000, 20, 100)));
    assertThat(requestedOf(peer)).contains(hash(5_000), hash(5_019));
  }

  private void assertDeliveryRefused(Announced announced, BlobSidecar.Pooled delivered)
      throws PeerBreachException {
    Peer bad = peer("bad");
    Peer good = peer("good");
    bad.send(new NewPooledTransactionHashes(List.of(announced)));
    pass(WAIT);
    GetPooledTransactions request = bad.request();
    good.send(new NewPooledTransactionHashes(List.of(announced)));
    bad.sendBreach(deliver(request.requestId(), delivered), DisconnectReason.PROTOCOL_BREACH);
    importAll();
    assertThat(bad.connection.reason).isEqualTo(DisconnectReason.PROTOCOL_BREACH);
    pass(WAIT);
    assertThat(good.requests()).as("the other peer is asked").hasSize(1);
    good.handler.disconnected();
  }

  @Test
  void aTypeThatWasNotAnnouncedIsABreach() throws PeerBreachException {
    Transaction plain = tx(0);
    assertDeliveryRefused(new Announced(plain.hash(), 3, plain.encodedSize()), plain(plain));
  }

  @Test
  void aSizeThatWasNotAnnouncedIsABreach() throws PeerBreachException {
    Transaction plain = tx(0);
    for (long size :
        new long[] {plain.encodedSize() + 9, plain.encodedSize() - 9, 0, Long.MIN_VALUE, -1}) {
      assertDeliveryRefused(announced(plain.hash(), size), plain(plain));
    }
    assertThat(pool.added).isEmpty();
  }

  @Test
  void aFewBytesOfDifferenceAreTolerated() throws PeerBreachException {
    Peer peer = peer("a");
    peer.send(
        new NewPooledTransactionHashes(
            List.of(
                announced(tx(0).hash(), tx(0).encodedSize() + 8),
                announced(tx(1).hash(), tx(1).encodedSize() - 8))));
    pass(WAIT);
    peer.send(deliver(peer.request().requestId(), txs(2)));
    importAll();
    assertThat(pool.added).isEqualTo(txs(2));
  }

  @Test
  void blobsArriveWithTheirSidecar() throws PeerBreachException {
    Peer peer = peer("a");
    BlobSidecar.Pooled blob = new BlobSidecar.Pooled(blobTx(0, 1), sidecar(0, 1));
    peer.send(new NewPooledTransactionHashes(List.of(announcement(blob))));
    pass(WAIT);
    peer.send(deliver(peer.request().requestId(), blob));
    importAll();
    assertThat(pool.sidecars).containsEntry(blobTx(0, 1).hash(), sidecar(0, 1));
  }

  @Test
  void aBlobTransactionWithoutItsSidecarIsABreach() throws PeerBreachException {
    BlobSidecar.Pooled blob = new BlobSidecar.Pooled(blobTx(0, 1), sidecar(0, 1));
    assertDeliveryRefused(announcement(blob), plain(blobTx(0, 1)));
    assertDeliveryRefused(announcement(plain(blobTx(0, 1))), plain(blobTx(0, 1)));
    assertThat(pool.added).isEmpty();
  }

  @Test
  void aSidecarOfAnotherTransactionIsABreach() throws PeerBreachException {
    BlobSidecar own = sidecar(0, 1);
    byte[] commitment = own.commitments().get(0).toArray();
    commitment[1] = 1;
    for (BlobSidecar other :
        List.of(
            new BlobSidecar(0, own.blobs(), List.of(Bytes.wrap(commitment)), own.proofs()),
            sidecar(0, 2),
            sidecar(0, 0),
            new BlobSidecar(0, List.of(), own.commitments(), own.proofs()),
            new BlobSidecar(0, own.blobs(), sidecar(0, 2).commitments(), own.proofs()),
            new BlobSidecar(1, own.blobs(), own.commitments(), own.proofs()),
            new BlobSidecar(0, own.blobs(), own.commitments(), sidecar(0, 2).proofs()))) {
      BlobSidecar.Pooled blob = new BlobSidecar.Pooled(blobTx(0, 1), other);
      assertDeliveryRefused(announcement(blob), blob);
    }
    assertThat(pool.added).isEmpty();
  }

  @Test
  void blobsWithInvalidProofsAreABreachAndAreRequestedElsewhere() throws PeerBreachException {
    pool.rejectWith(Reason.INVALID_BLOBS);
    BlobSidecar.Pooled blob = new BlobSidecar.Pooled(blobTx(0, 1), sidecar(0, 1));
    assertDeliveryRefused(announcement(blob), blob);
    assertThat(pool.added).hasSize(1);
  }

  @Test
  void whatIsBeingAddedIsNotRequestedAgain() throws PeerBreachException {
    Peer first = peer("a");
    Peer second = peer("b");
    first.send(announce(txs(1)));
    second.send(announce(txs(1)));
    pass(WAIT);
    first.send(deliver(first.request().requestId(), txs(1)));
    first.handler.disconnected();
    pass(WAIT);
    assertThat(second.requests()).isEmpty();
    importAll();
    pass(WAIT);
    assertThat(second.requests()).isEmpty();
  }

  /** Has the next transaction of a peer dropped, which is no fault of the peer. */
  private void dropNext() {
    pool.judge =
        (tx, sidecar) -> {
          pool.judge = (next, blobs) -> new AddResult.Accepted();
          throw new StorageException("the state cannot be read");
        };
  }

  @Test
  void aNewAnnouncementCountsAfterTheTransactionWasDropped() throws PeerBreachException {
    Peer announcer = peer("a");
    announcer.send(announce(txs(1)));
    dropNext();
    peer("b").send(new Transactions(txs(1)));
    importAll();
    pass(WAIT);
    assertThat(announcer.requests()).isEmpty();
    announcer.send(announce(txs(1)));
    pass(WAIT);
    assertThat(announcer.request().hashes()).containsExactly(tx(0).hash());
  }

  @Test
  void anOldAnnouncementDoesNotCountForANewOne() throws PeerBreachException {
    Peer first = peer("a");
    Peer second = peer("b");
    first.send(announce(txs(1)));
    dropNext();
    second.send(new Transactions(txs(1)));
    importAll();
    second.send(announce(txs(1)));
    first.handler.disconnected();
    pass(WAIT);
    assertThat(second.requests()).hasSize(1);
  }

  @Test
  void whatThePoolRejectsIsSettled() throws PeerBreachException {
    pool.judge = (tx, sidecar) -> new AddResult.Rejected(Reason.NONCE_TOO_LOW, "nonce too low");
    Peer first = peer("a");
    Peer second = peer("b");
    first.send(announce(txs(1)));
    second.send(announce(txs(1)));
    pass(WAIT);
    first.send(deliver(first.request().requestId(), txs(1)));
    importAll();
    pass(WAIT);
    assertThat(second.requests()).isEmpty();
    assertThat(first.connection.reason).isNull();
  }

  @Test
  void messagesAfterTheEndAreIgnored() throws PeerBreachException {
    Peer peer = peer("a");
    peer.handler.end(new PeerBreachException(DisconnectReason.PROTOCOL_BREACH, "test"));
    peer.send(announce(txs(1)));
    peer.send(new Transactions(txs(1)));
    importAll();
    assertThat(pool.added).isEmpty();
    assertThat(service.peers().isEmpty()).isTrue();
  }

  @Test
  void aMissingPoolIsNoFaultOfThePeer() throws PeerBreachException {
    Peer peer = peer("a");
    services.pool().release(pool, Duration.ZERO);
    peer.send(announce(txs(1)));
    pass(WAIT);
    peer.send(deliver(peer.request().requestId(), txs(1)));
    assertThat(service.plainImporter().step()).isPositive();
    assertThat(peer.connection.reason).isNull();
    services.pool().replace(pool, Duration.ZERO);
    importAll();
    assertThat(pool.added).as("it has waited").containsExactly(tx(0));
  }
}
