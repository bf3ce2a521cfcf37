// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.p2p.eth;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.patchbay.api.p2p.DisconnectReason;
import dev.patchbay.api.p2p.PeerBreachException;
import dev.patchbay.primitives.BlobSidecar;
import dev.patchbay.primitives.Block;
import dev.patchbay.primitives.BlockBody;
import dev.patchbay.primitives.BlockHeader;
import dev.patchbay.primitives.Bytes;
import dev.patchbay.primitives.Hash;
import dev.patchbay.primitives.Transaction;
import dev.patchbay.primitives.rlp.RlpException;
import dev.patchbay.primitives.rlp.RlpList;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

class RequestsTest extends EthFixture {
  private Peer peer;
  private Requests requests;

  @BeforeEach
  void connect() throws PeerBreachException {
    peer = peer(EthVersion.ETH_70, "a");
    requests = peer.handler.requests();
  }

  private static GetBlockHeaders.Origin number(long number) {
    return new GetBlockHeaders.ByNumber(number);
  }

  private GetBlockHeaders sentHeaders() {
    return peer.connection.takeOne(MessageCode.GET_BLOCK_HEADERS, GetBlockHeaders::decode);
  }

  private BlockHeaders headers(long id, long... numbers) {
    return new BlockHeaders(
        id,
        Arrays.stream(numbers)
            .mapToObj(n -> Bytes.wrap(chain.canonical.get((int) n).header().encode()))
            .toList());
  }

  private static void assertFailed(CompletableFuture<?> future, String message) {
    assertThat(future).isCompletedExceptionally();
    assertThatThrownBy(future::join).hasMessageContaining(message);
  }

  @Test
  void headersArrive() throws PeerBreachException {
    CompletableFuture<List<BlockHeader>> future = requests.headers(number(5), 3, 1, true);
    GetBlockHeaders sent = sentHeaders();
    assertThat(sent).isEqualTo(new GetBlockHeaders(sent.requestId(), number(5), 3, 1, true));
    assertThat(future).isNotDone();
    peer.send(headers(sent.requestId(), 5, 3));
    assertThat(future.join())
        .as("fewer than requested are allowed")
        .containsExactly(chain.header(5), chain.header(3));
  }

  @Test
  void anEmptyReplyIsAllowed() throws PeerBreachException {
    CompletableFuture<List<BlockHeader>> future = requests.headers(number(5), 3, 0, false);
    peer.send(headers(sentHeaders().requestId()));
    assertThat(future.join()).isEmpty();
  }

  private void assertHeadersRefused(
      GetBlockHeaders.Origin origin, int limit, int skip, boolean reverse, long... reply) {
    CompletableFuture<List<BlockHeader>> future = requests.headers(origin, limit, skip, reverse);
    BlockHeaders message = headers(sentHeaders().requestId(), reply);
    assertBreach(DisconnectReason.PROTOCOL_BREACH, () -> peer.send(message));
    assertThat(future).isCompletedExceptionally();
  }

  @Test
  void headersThatWereNotRequestedAreABreach() {
    assertHeadersRefused(number(5), 2, 0, false, 5, 6, 7);
    assertHeadersRefused(number(5), 2, 0, false, 6);
    assertHeadersRefused(new GetBlockHeaders.ByHash(hash(1)), 2, 0, false, 5);
    assertHeadersRefused(number(5), 3, 0, false, 5, 7);
    assertHeadersRefused(number(5), 3, 0, true, 5, 6);
    assertHeadersRefused(number(5), 3, 1, false, 5, 6);
    assertHeadersRefused(number(5), 3, 0, false, 5, 6, 6);
  }

  @Test
  void headersThatAreNotLinkedAreABreach() {
    requests.headers(number(5), 2, 0, false);
    Block other = chain.side(chain.side(chain.canonical.get(4)));
    BlockHeaders reply =
        new BlockHeaders(
            sentHeaders().requestId(),
            List.of(
                Bytes.wrap(chain.canonical.get(5).header().encode()),
                Bytes.wrap(other.header().encode())));
    assertBreach(DisconnectReason.PROTOCOL_BREACH, () -> peer.send(reply));
  }

  @Test
  void bodiesAndReceiptsArrive() throws PeerBreachException {
    List<Hash> hashes = List.of(chain.canonicalHash(1), chain.canonicalHash(2));
    CompletableFuture<List<BlockBody>> bodies = requests.bodies(hashes);
    GetBlockBodies bodiesSent =
        peer.connection.takeOne(MessageCode.GET_BLOCK_BODIES, GetBlockBodies::decode);
    assertThat(bodiesSent.hashes()).isEqualTo(hashes);
    Bytes body = Bytes.wrap(chain.canonical.get(1).encodeBody());
    peer.send(new BlockBodies(bodiesSent.requestId(), List.of(body)));
    assertThat(bodies.join()).hasSize(1);

    CompletableFuture<Requests.BlockReceipts> receipts = requests.receipts(hashes, 2);
    GetReceipts receiptsSent =
        peer.connection.takeOne(
            MessageCode.GET_RECEIPTS, p -> GetReceipts.decode(EthVersion.ETH_70, p));
    assertThat(receiptsSent.firstReceipt()).isEqualTo(2);
    Bytes block =
        RlpList.encode(
            w -> w.raw(ReceiptCodec.encode(MessageTest.receipts().get(0), EthVersion.ETH_70)));
    peer.send(new Receipts(EthVersion.ETH_70, receiptsSent.requestId(), true, List.of(block)));
    assertThat(receipts.join())
        .isEqualTo(
            new Requests.BlockReceipts(List.of(List.of(MessageTest.receipts().get(0))), true));
  }

  @Test
  void moreBlocksThanRequestedAreABreach() {
    Bytes empty = Bytes.fromHex("0xc0");
    requests.bodies(List.of(hash(1)));
    long bodies =
        peer.connection.takeOne(MessageCode.GET_BLOCK_BODIES, GetBlockBodies::decode).requestId();
    assertBreach(
        DisconnectReason.PROTOCOL_BREACH,
        () -> peer.send(new BlockBodies(bodies, List.of(empty, empty))));
    requests.receipts(List.of(hash(1)), 0);
    long receipts = sentReceipts();
    assertBreach(
        DisconnectReason.PROTOCOL_BREACH,
        () -> peer.send(new Receipts(EthVersion.ETH_70, receipts, false, List.of(empty, empty))));
  }

  private long sentReceipts() {
    return peer.connection
        .takeOne(MessageCode.GET_RECEIPTS, p -> GetReceipts.decode(EthVersion.ETH_70, p))
        .requestId();
  }

  @Test
  void anIncompleteBlockHasReceipts() {
    for (List<Bytes> blocks : List.of(List.<Bytes>of(), List.of(Bytes.fromHex("0xc0")))) {
      requests.receipts(List.of(hash(1)), 0);
      Receipts reply = new Receipts(EthVersion.ETH_70, sentReceipts(), true, blocks);
      assertBreach(DisconnectReason.PROTOCOL_BREACH, () -> peer.send(reply));
    }
  }

  @Test
  void malformedContentFailsTheRequest() {
    CompletableFuture<List<BlockBody>> future = requests.bodies(List.of(hash(1)));
    long id =
        peer.connection.takeOne(MessageCode.GET_BLOCK_BODIES, GetBlockBodies::decode).requestId();
    assertThatThrownBy(() -> peer.send(new BlockBodies(id, List.of(Bytes.fromHex("0xc101")))))
        .isInstanceOf(RlpException.class);
    assertThat(future).isCompletedExceptionally();
  }

  @Test
  void transactionsThatWereNotRequestedAreABreach() {
    Transaction requested = tx(0);
    for (List<Transaction> reply : List.of(List.of(tx(1)), List.of(requested, requested))) {
      requests.transactions(List.of(requested.hash(), hash(1)));
      long id = peer.request().requestId();
      assertBreach(DisconnectReason.PROTOCOL_BREACH, () -> peer.send(deliver(id, reply)));
    }
  }

  @Test
  void unsolicitedRepliesAreBreaches() {
    for (EthReply reply :
        List.of(
            headers(1, 1),
            new BlockBodies(0, List.of()),
            new Receipts(EthVersion.ETH_70, -1, false, List.of()),
            new PooledTransactions(7, List.of()))) {
      assertBreach(DisconnectReason.PROTOCOL_BREACH, () -> peer.send(reply));
    }
  }

  @Test
  void aReplyOfAnotherKindIsABreach() {
    requests.headers(number(5), 3, 0, false);
    BlockBodies reply = new BlockBodies(sentHeaders().requestId(), List.of());
    assertBreach(DisconnectReason.PROTOCOL_BREACH, () -> peer.send(reply));
  }

  @Test
  void aSecondReplyIsABreach() throws PeerBreachException {
    requests.headers(number(5), 3, 0, false);
    BlockHeaders reply = headers(sentHeaders().requestId(), 5);
    peer.send(reply);
    assertBreach(DisconnectReason.PROTOCOL_BREACH, () -> peer.send(reply));
  }

  @Test
  void idsDiffer() {
    for (int i = 0; i < 3; i++) {
      requests.headers(number(i), 1, 0, false);
    }
    assertThat(
            peer.connection.take(MessageCode.GET_BLOCK_HEADERS, GetBlockHeaders::decode).stream()
                .map(GetBlockHeaders::requestId)
                .distinct())
        .hasSize(3);
  }

  @Test
  void aRequestTimesOutAndItsLateReplyIsIgnored() throws PeerBreachException {
    CompletableFuture<List<BlockHeader>> future = requests.headers(number(5), 3, 0, false);
    long id = sentHeaders().requestId();
    pass(Requests.BLOCKS_TIMEOUT_MILLIS - 1);
    assertThat(future).isNotDone();
    pass(1);
    assertFailed(future, "timeout");
    peer.send(headers(id, 5));
    assertThat(peer.connection.reason).isNull();
    assertBreach(DisconnectReason.PROTOCOL_BREACH, () -> peer.send(headers(id, 5)));
  }

  @Test
  void aLateReplyOfAnotherKindIsABreach() {
    requests.headers(number(5), 3, 0, false);
    long id = sentHeaders().requestId();
    pass(Requests.BLOCKS_TIMEOUT_MILLIS);
    assertBreach(DisconnectReason.PROTOCOL_BREACH, () -> peer.send(new BlockBodies(id, List.of())));
  }

  @Test
  void theThirdTimeoutInARowEndsTheConnection() throws PeerBreachException {
    for (int round = 0; round < 2; round++) {
      requests.headers(number(5), 3, 0, false);
      pass(Requests.BLOCKS_TIMEOUT_MILLIS);
    }
    peer.connection.sent.clear();
    requests.headers(number(5), 3, 0, false);
    peer.send(headers(sentHeaders().requestId(), 5)); // a reply in time: counted from 0 again
    for (int round = 0; round < 3; round++) {
      assertThat(peer.connection.reason).isNull();
      requests.headers(number(5), 3, 0, false);
      pass(Requests.BLOCKS_TIMEOUT_MILLIS);
    }
    assertThat(peer.connection.reason).isEqualTo(DisconnectReason.PING_TIMEOUT);
  }

  /** As after a pause of this node, when the replies lie in its own queue. */
  @Test
  void requestsThatExpireTogetherCountOnce() {
    for (int round = 0; round < 3; round++) {
      assertThat(peer.connection.reason).isNull();
      for (int i = 0; i < 3; i++) {
        requests.headers(number(5), 3, 0, false);
      }
      pass(Requests.BLOCKS_TIMEOUT_MILLIS);
    }
    assertThat(peer.connection.reason).isEqualTo(DisconnectReason.PING_TIMEOUT);
  }

  @Test
  void aPeerWhoseRepliesAreAllLateStaysConnectedUntilItIsSilent() throws PeerBreachException {
    for (int round = 0; round < 5; round++) {
      requests.headers(number(5), 3, 0, false);
      long id = sentHeaders().requestId();
      pass(Requests.BLOCKS_TIMEOUT_MILLIS);
      peer.send(headers(id, 5));
      assertThat(peer.connection.reason).isNull();
    }
    for (int round = 0; round < 3; round++) {
      assertThat(peer.connection.reason).isNull();
      requests.headers(number(5), 3, 0, false);
      pass(Requests.BLOCKS_TIMEOUT_MILLIS);
    }
    assertThat(peer.connection.reason).isEqualTo(DisconnectReason.PING_TIMEOUT);
  }

  @Test
  void outstandingRequestsAreBounded() throws PeerBreachException {
    List<CompletableFuture<List<BlockHeader>>> futures = new ArrayList<>();
    for (int i = 0; i < Requests.MAX_OUTSTANDING; i++) {
      futures.add(requests.headers(number(5), 1, 0, false));
    }
    CompletableFuture<List<BlockBody>> refused = requests.bodies(List.of(hash(1)));
    assertFailed(refused, "8 requests are outstanding");
    CompletableFuture<List<BlobSidecar.Pooled>> transactions =
        requests.transactions(List.of(hash(1)));
    assertThat(transactions).as("one more is for transactions").isNotDone();
    List<GetBlockHeaders> sent =
        peer.connection.take(MessageCode.GET_BLOCK_HEADERS, GetBlockHeaders::decode);
    assertThat(sent).hasSize(8);
    peer.send(headers(sent.get(3).requestId(), 5));
    peer.send(deliver(peer.request().requestId(), List.of()));
    assertThat(futures.get(3)).isCompleted();
    assertThat(requests.bodies(List.of(hash(1)))).isNotDone();
  }

  @Test
  void theEndOfTheConnectionFailsWhatIsOutstanding() {
    CompletableFuture<List<BlockHeader>> future = requests.headers(number(5), 1, 0, false);
    peer.handler.disconnected();
    assertFailed(future, "disconnected");
    assertFailed(requests.bodies(List.of(hash(1))), "disconnected");
  }

  @Test
  void aRequestThatCannotBeSentFails() {
    peer.connection.reason = DisconnectReason.REQUESTED;
    assertFailed(requests.bodies(List.of(hash(1))), "disconnected");
  }

  @Test
  void aReplyWithMoreItemsThanAMessageMayHaveIsRefused() {
    requests.bodies(Collections.nCopies(1_024, hash(1)));
    long id =
        peer.connection.takeOne(MessageCode.GET_BLOCK_BODIES, GetBlockBodies::decode).requestId();
    BlockBodies reply = new BlockBodies(id, Collections.nCopies(1_025, Bytes.fromHex("0xc0")));
    assertThatThrownBy(() -> peer.send(reply)).isInstanceOf(RlpException.class);
  }
}
