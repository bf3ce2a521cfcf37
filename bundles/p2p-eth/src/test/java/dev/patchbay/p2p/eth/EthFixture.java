// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.p2p.eth;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.patchbay.api.node.SyncStatus;
import dev.patchbay.api.p2p.DisconnectReason;
import dev.patchbay.api.p2p.PeerBreachException;
import dev.patchbay.api.p2p.PeerEvent;
import dev.patchbay.api.p2p.PeerEvents;
import dev.patchbay.api.p2p.PeerId;
import dev.patchbay.binding.ConfigurationValues;
import dev.patchbay.binding.Loop;
import dev.patchbay.crypto.Blobs;
import dev.patchbay.primitives.Address;
import dev.patchbay.primitives.BlobSidecar;
import dev.patchbay.primitives.Block;
import dev.patchbay.primitives.BlockHeader;
import dev.patchbay.primitives.Bytes;
import dev.patchbay.primitives.ChainConfig;
import dev.patchbay.primitives.Hash;
import dev.patchbay.primitives.Transaction;
import dev.patchbay.primitives.TransactionType;
import dev.patchbay.primitives.UInt256;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.TreeMap;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/** A node of which the test is the time, the chain, the pool and the peers. */
abstract class EthFixture {
  static final byte[] KEY = filled((byte) 1);
  static final byte[] OTHER = filled((byte) 2);
  static final Address TO = Address.fromHex("0x00000000000000000000000000000000000000aa");

  /** The configuration of a chain that seals itself. */
  static final ChainConfig CLIQUE =
      new ChainConfig(
          UInt256.of(1337),
          Map.of(),
          Map.of(),
          null,
          new TreeMap<>(),
          null,
          new ChainConfig.Clique(1, 30_000),
          null,
          null,
          true,
          null);

  final FakeChain chain = new FakeChain(50);
  final FakePool pool = new FakePool();
  final NodeServices services = new NodeServices();
  final Random random = new Random(7);
  long now = 1_000_000;

  /** How far the download of the chain has come; null when none is under way. */
  SyncStatus.@Nullable Progress progress;

  final EthService service =
      new EthService(
          services,
          random::nextLong,
          () -> now,
          64 * 1024 * 1024,
          BlockGossipMode.of(gossip(), ConfigurationValues.of(EthComponent.NAME, Map.of())));

  /** What was published, in order; all peers count as connected. */
  final List<PeerEvent> events = new ArrayList<>();

  {
    service.events().set(new Published());
    services.chain().replace(chain, Duration.ZERO);
    services.pool().replace(pool, Duration.ZERO);
    services.sync().replace(() -> progress, Duration.ZERO);
    pool.listener = service.gossip();
  }

  /** Returns how new blocks are sent. */
  String gossip() {
    return "auto";
  }

  /** Lets a block of a chain that seals itself be the head. */
  final Block seal() {
    chain.config = CLIQUE;
    Block head = chain.head();
    BlockHeader header =
        BlockHeader.builder()
            .parentHash(head.hash())
            .number(head.number() + 1)
            .timestamp(head.header().timestamp() + 10)
            .difficulty(UInt256.of(2))
            .gasLimit(30_000_000)
            .baseFeePerGas(UInt256.ONE)
            .build();
    return chain.append(new Block(header, List.of(), List.of(), null));
  }

  private final class Published implements PeerEvents {
    @Override
    public void connected(PeerEvent.PeerConnected event) {
      throw new AssertionError("of the network");
    }

    @Override
    public void disconnected(PeerEvent.PeerDisconnected event) {
      throw new AssertionError("of the network");
    }

    @Override
    public <E extends PeerEvent> void publish(
        Class<E> type, PeerId peer, long bytes, Supplier<? extends E> event) {
      E made = event.get();
      assertThat(made).isInstanceOf(type);
      assertThat(made.peer()).isEqualTo(peer);
      assertThat(bytes).isNotNegative();
      events.add(made);
    }
  }

  /** A peer of the node under test. */
  final class Peer {
    final EthVersion version;
    final FakeConnection connection;
    final EthPeer handler;

    Peer(EthVersion version, String name) throws PeerBreachException {
      this.version = version;
      connection = new FakeConnection(name);
      handler = (EthPeer) new EthProtocol(version, service).connected(connection);
    }

    /** Sends a message to the node. */
    void send(EthMessage message) throws PeerBreachException {
      handler.messageReceived(message.code(), message.encode());
    }

    /** Sends a message that ends the connection, by an exception or later. */
    void sendBreach(EthMessage message, DisconnectReason reason) {
      try {
        send(message);
        importAll();
        assertThat(connection.reason).isEqualTo(reason);
      } catch (PeerBreachException breach) {
        assertThat(breach.reason()).isEqualTo(reason);
      }
    }

    Status status() {
      return Status.decode(version, firstSent());
    }

    private Bytes firstSent() {
      assertThat(connection.sent.get(0).message()).isEqualTo(MessageCode.STATUS);
      return connection.sent.get(0).payload();
    }

    /** Answers the Status of the node with the same one, and drops what the node announces. */
    Peer shakeHands() throws PeerBreachException {
      handler.messageReceived(MessageCode.STATUS, firstSent());
      assertThat(connection.isEstablished).isTrue();
      service.tick();
      connection.sent.clear();
      return this;
    }

    List<Hash> announced() {
      return connection
          .take(MessageCode.NEW_POOLED_TRANSACTION_HASHES, NewPooledTransactionHashes::decode)
          .stream()
          .flatMap(message -> message.announced().stream())
          .map(NewPooledTransactionHashes.Announced::hash)
          .toList();
    }

    List<Transaction> broadcast() {
      return connection.take(MessageCode.TRANSACTIONS, Transactions::decode).stream()
          .flatMap(message -> message.transactions().stream())
          .toList();
    }

    GetPooledTransactions request() {
      return connection.takeOne(MessageCode.GET_POOLED_TRANSACTIONS, GetPooledTransactions::decode);
    }

    List<GetPooledTransactions> requests() {
      return connection.take(MessageCode.GET_POOLED_TRANSACTIONS, GetPooledTransactions::decode);
    }
  }

  final Peer peer(EthVersion version, String name) throws PeerBreachException {
    return new Peer(version, name).shakeHands();
  }

  final Peer peer(String name) throws PeerBreachException {
    return peer(EthVersion.ETH_70, name);
  }

  /** Passes time, and does what is due then. */
  final void pass(long millis) {
    now += millis;
    service.tick();
  }

  /** Adds to the pool what waits for it. */
  final void importAll() {
    for (TransactionImporter importer : List.of(service.plainImporter(), service.blobImporter())) {
      long pause = 0;
      while (pause == 0) {
        pause = importer.step();
      }
      assertThat(pause).as("nothing waits").isEqualTo(Loop.UNTIL_WOKEN);
    }
  }

  static void assertBreach(
      DisconnectReason reason, org.assertj.core.api.ThrowableAssert.ThrowingCallable call) {
    assertThatThrownBy(call)
        .isInstanceOfSatisfying(
            PeerBreachException.class,
            breach -> {
              assertThat(breach.reason()).isEqualTo(reason);
              assertThat(breach.getMessage()).hasSizeLessThan(400);
            });
  }

  static byte[] filled(byte value) {
    byte[] out = new byte[32];
    Arrays.fill(out, value);
    return out;
  }

  static Hash hash(int number) {
    return Hash.keccak(new byte[] {(byte) (number >> 8), (byte) number});
  }

  static Transaction tx(long nonce) {
    return tx(KEY, nonce, 0);
  }

  static Transaction tx(byte[] key, long nonce, int dataBytes) {
    return Transaction.builder(TransactionType.FEE_MARKET)
        .chainId(UInt256.of(1337))
        .nonce(nonce)
        .maxFeePerGas(UInt256.of(1_000_000_000))
        .maxPriorityFeePerGas(UInt256.ONE)
        .gasLimit(21_000)
        .to(TO)
        .data(Bytes.wrap(new byte[dataBytes]))
        .sign(key);
  }

  static List<Transaction> txs(int count) {
    List<Transaction> out = new ArrayList<>();
    for (int i = 0; i < count; i++) {
      out.add(tx(i));
    }
    return out;
  }

  /** The zero polynomial: its commitment and all its proofs are the point at infinity. */
  static BlobSidecar sidecar(int version, int blobs) {
    byte[] infinity = new byte[48];
    infinity[0] = (byte) 0xc0;
    Bytes point = Bytes.wrap(infinity);
    return new BlobSidecar(
        version,
        Collections.nCopies(blobs, Bytes.wrap(new byte[Blobs.BLOB_BYTES])),
        Collections.nCopies(blobs, point),
        Collections.nCopies(version == 0 ? blobs : blobs * Blobs.CELLS, point));
  }

  static Transaction blobTx(long nonce, int blobs) {
    byte[] commitment = sidecar(0, 1).commitments().get(0).toArray();
    Hash hash = Hash.wrap(Blobs.versionedHash(commitment));
    return Transaction.builder(TransactionType.BLOB)
        .chainId(UInt256.of(1337))
        .nonce(nonce)
        .maxFeePerGas(UInt256.of(1_000_000_000))
        .maxPriorityFeePerGas(UInt256.ONE)
        .gasLimit(21_000)
        .to(TO)
        .maxFeePerBlobGas(UInt256.ONE)
        .blobVersionedHashes(Collections.nCopies(blobs, hash))
        .sign(KEY);
  }

  static NewPooledTransactionHashes.Announced announcement(BlobSidecar.Pooled pooled) {
    Transaction transaction = pooled.transaction();
    return new NewPooledTransactionHashes.Announced(
        transaction.hash(),
        transaction.type().code(),
        PooledForm.size(transaction, pooled.sidecar()));
  }

  static NewPooledTransactionHashes announce(List<Transaction> transactions) {
    return new NewPooledTransactionHashes(
        transactions.stream().map(tx -> announcement(plain(tx))).toList());
  }

  static BlobSidecar.Pooled plain(Transaction transaction) {
    return new BlobSidecar.Pooled(transaction, null);
  }

  static PooledTransactions deliver(long requestId, BlobSidecar.Pooled... transactions) {
    return new PooledTransactions(
        requestId, Arrays.stream(transactions).map(PooledForm::encode).toList());
  }

  static PooledTransactions deliver(long requestId, List<Transaction> transactions) {
    return new PooledTransactions(
        requestId, transactions.stream().map(tx -> PooledForm.encode(plain(tx))).toList());
  }
}
