// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.p2p.eth;

import static org.assertj.core.api.Assertions.assertThat;

import dev.patchbay.api.node.SyncStatus;
import dev.patchbay.api.p2p.DisconnectReason;
import dev.patchbay.api.p2p.PeerBreachException;
import dev.patchbay.primitives.Hash;
import dev.patchbay.primitives.Transaction;
import dev.patchbay.primitives.TransactionType;
import dev.patchbay.primitives.UInt256;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import org.junit.jupiter.api.Test;

class TransactionGossipTest extends EthFixture {
  private List<Peer> peers(int count) throws PeerBreachException {
    List<Peer> out = new ArrayList<>();
    for (int i = 0; i < count; i++) {
      out.add(peer("peer" + i));
    }
    return out;
  }

  private static List<Hash> hashes(List<Transaction> transactions) {
    return transactions.stream().map(Transaction::hash).toList();
  }

  @Test
  void aNewPeerGetsTheHashesOfThePool() throws PeerBreachException {
    txs(3).forEach(pool::add);
    Peer peer = new Peer(EthVersion.ETH_68, "a");
    Status status = peer.status();
    peer.send(status);
    service.tick();
    assertThat(peer.announced()).isEqualTo(hashes(txs(3)));
    assertThat(peer.broadcast()).as("never in full").isEmpty();
  }

  @Test
  void aNewPeerGetsAtMost4096Hashes() throws PeerBreachException {
    for (int i = 0; i < 5_000; i++) {
      Transaction unsigned =
          Transaction.builder(TransactionType.FEE_MARKET).nonce(i).sender(TO).build();
      pool.transactions.put(unsigned.hash(), unsigned);
    }
    Peer peer = new Peer(EthVersion.ETH_68, "a");
    peer.send(peer.status());
    service.tick();
    assertThat(peer.announced()).hasSize(4_096);
  }

  @Test
  void aFewPeersGetEverythingInFull() throws PeerBreachException {
    List<Peer> peers = peers(4);
    pool.add(tx(0));
    service.tick();
    for (Peer peer : peers) {
      assertThat(peer.broadcast()).containsExactly(tx(0));
      assertThat(peer.announced()).isEmpty();
    }
  }

  @Test
  void manyPeersGetItInFullByTheSquareRoot() throws PeerBreachException {
    List<Peer> peers = peers(17);
    for (long nonce = 0; nonce < 5; nonce++) {
      pool.add(tx(nonce));
    }
    pool.add(tx(OTHER, 0, 0));
    service.tick();
    Set<Peer> direct = new HashSet<>();
    Set<Peer> directOfOther = new HashSet<>();
    for (Peer peer : peers) {
      List<Transaction> full = peer.broadcast();
      List<Hash> announced = peer.announced();
      assertThat(full.size() + announced.size()).as("each exactly once").isEqualTo(6);
      if (full.contains(tx(0))) {
        direct.add(peer);
        assertThat(full).as("all nonces of a sender").containsAll(txs(5));
      } else {
        assertThat(full).doesNotContainAnyElementsOf(txs(5));
      }
      if (full.contains(tx(OTHER, 0, 0))) {
        directOfOther.add(peer);
      }
    }
    assertThat(direct).as("the root of 17, rounded up").hasSize(5);
    assertThat(directOfOther).hasSize(5).isNotEqualTo(direct);
  }

  @Test
  void largeAndBlobTransactionsAreAnnouncedOnly() throws PeerBreachException {
    Peer peer = peer("a");
    Transaction large = tx(KEY, 0, 4_097);
    Transaction blob = blobTx(1, 1);
    pool.add(large);
    pool.add(blob, sidecar(0, 1), dev.patchbay.api.txpool.TransactionPool.Origin.LOCAL);
    service.tick();
    assertThat(peer.broadcast()).isEmpty();
    assertThat(peer.announced()).containsExactly(large.hash(), blob.hash());
  }

  @Test
  void aTransactionDoesNotReturnToItsSender() throws PeerBreachException {
    Peer sender = peer("a");
    Peer announcer = peer("b");
    Peer other = peer("c");
    announcer.send(announce(txs(1)));
    sender.send(new Transactions(txs(1)));
    importAll();
    service.tick();
    assertThat(sender.broadcast()).isEmpty();
    assertThat(announcer.broadcast()).isEmpty();
    assertThat(other.broadcast()).isEqualTo(txs(1));
    pool.listener.transactionPending(tx(0));
    service.tick();
    assertThat(other.broadcast()).as("sent once").isEmpty();
  }

  @Test
  void whatAPeerHasFetchedIsNotAnnouncedToIt() throws PeerBreachException {
    Peer peer = peer("a");
    pool.transactions.put(tx(0).hash(), tx(0));
    peer.send(new GetPooledTransactions(1, List.of(tx(0).hash())));
    pool.listener.transactionPending(tx(0));
    service.tick();
    assertThat(peer.broadcast()).isEmpty();
    assertThat(peer.announced()).isEmpty();
  }

  @Test
  void manyTransactionsAreSplitIntoMessages() throws PeerBreachException {
    Peer peer = peer("a");
    for (int i = 0; i < 60; i++) {
      pool.add(tx(KEY, i, 3_900));
    }
    service.tick();
    List<Transactions> messages =
        peer.connection.take(MessageCode.TRANSACTIONS, Transactions::decode);
    assertThat(messages).hasSize(3);
    assertThat(messages)
        .allMatch(message -> message.encode().size() < 110 * 1024)
        .flatExtracting(Transactions::transactions)
        .hasSize(60);
  }

  @Test
  void whatASlowPeerDoesNotReadWaits() throws PeerBreachException {
    Peer peer = peer("a");
    peer.connection.reads = false;
    pool.add(tx(0));
    pool.add(tx(KEY, 1, 5_000));
    pass(100);
    assertThat(peer.connection.sent).isEmpty();
    peer.connection.reads = true;
    pass(100);
    assertThat(peer.broadcast()).containsExactly(tx(0));
    assertThat(peer.announced()).containsExactly(tx(KEY, 1, 5_000).hash());
  }

  @Test
  void theOldestLeaveWhenTooManyWait() throws PeerBreachException {
    HashSetRing known = new HashSetRing(new SipHash(1, 2), 8_192);
    FakeConnection connection = new FakeConnection("a");
    Outbox outbox = new Outbox(connection, known);
    for (int i = 0; i < 4_100; i++) {
      outbox.announce(new NewPooledTransactionHashes.Announced(hash(i), 2, 100));
    }
    outbox.flush();
    NewPooledTransactionHashes sent =
        connection.takeOne(
            MessageCode.NEW_POOLED_TRANSACTION_HASHES, NewPooledTransactionHashes::decode);
    assertThat(sent.announced()).hasSize(4_096);
    assertThat(sent.announced().get(0).hash()).isEqualTo(hash(4));
  }

  @Test
  void localTransactionsAreAnnouncedAgain() throws PeerBreachException {
    Peer peer = peer("a");
    pool.add(tx(0)); // of a client
    pool.add(tx(1)); // of a client, and in a block soon
    peer.send(new Transactions(List.of(tx(2)))); // of a peer
    importAll();
    pass(1_000);
    peer.connection.sent.clear();
    pool.remove(tx(1).hash());
    pass(TransactionGossip.AGAIN_MILLIS - 1_001);
    assertThat(peer.announced()).isEmpty();
    pass(1);
    assertThat(peer.announced()).containsExactly(tx(0).hash());
    pass(TransactionGossip.AGAIN_MILLIS);
    assertThat(peer.announced()).containsExactly(tx(0).hash());
  }

  @Test
  void localTransactionsAreBounded() {
    LocalTransactions local = new LocalTransactions();
    for (int i = 0; i < LocalTransactions.MAX + 5; i++) {
      local.add(hash(i));
    }
    assertThat(local.list())
        .hasSize(LocalTransactions.MAX)
        .doesNotContain(hash(4))
        .contains(hash(5));
  }

  @Test
  void nothingIsSentToAPeerThatHasDisconnected() throws PeerBreachException {
    Peer peer = peer("a");
    peer.handler.disconnected();
    pool.add(tx(0));
    service.tick();
    assertThat(peer.connection.sent).isEmpty();
  }

  @Test
  void depositsAreNotPassedOn() throws PeerBreachException {
    Peer peer = peer("a");
    Transaction deposit =
        Transaction.builder(TransactionType.DEPOSIT)
            .deposit(new Transaction.Deposit(Hash.ZERO, UInt256.ZERO, false))
            .sender(TO)
            .build();
    pool.add(deposit);
    service.tick();
    assertThat(peer.connection.sent).isEmpty();
    assertBreach(
        DisconnectReason.PROTOCOL_BREACH, () -> peer.send(new Transactions(List.of(deposit))));
  }

  @Test
  void blobsThatWereNotRequestedAreABreach() throws PeerBreachException {
    Peer peer = peer("a");
    assertBreach(
        DisconnectReason.PROTOCOL_BREACH,
        () -> peer.send(new Transactions(List.of(tx(0), blobTx(1, 1)))));
    importAll();
    assertThat(pool.added).as("nothing of the message counts").isEmpty();
  }

  /** As geth: the state of an old head does not say which transactions are valid. */
  @Test
  void transactionsAreIgnoredWhileTheNodeSyncsAndAcceptedWhenItIsLevelAgain()
      throws PeerBreachException {
    Peer peer = peer("a");
    progress = new SyncStatus.Progress(0, 10, 500);
    peer.send(new Transactions(List.of(tx(0))));
    peer.send(announce(List.of(tx(1))));
    importAll();
    pass(500);
    assertThat(peer.requests()).isEmpty();
    assertThat(pool.transactions).isEmpty();
    progress = null;
    peer.send(new Transactions(List.of(tx(0))));
    peer.send(announce(List.of(tx(1))));
    importAll();
    pass(500);
    assertThat(pool.get(tx(0).hash())).isNotNull();
    assertThat(peer.request().hashes()).containsExactly(tx(1).hash());
    assertThat(peer.connection.reason).as("no fault of the peer").isNull();
  }
}
