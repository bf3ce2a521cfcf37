// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.p2p.eth;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.patchbay.api.p2p.DisconnectReason;
import dev.patchbay.api.p2p.HeaderStart;
import dev.patchbay.api.p2p.PeerBreachException;
import dev.patchbay.api.p2p.PeerCommand;
import dev.patchbay.api.p2p.PeerEvent;
import dev.patchbay.api.p2p.PeerId;
import dev.patchbay.api.p2p.RequestFailedException;
import dev.patchbay.primitives.Block;
import dev.patchbay.primitives.Bytes;
import dev.patchbay.primitives.ForkId;
import dev.patchbay.primitives.Hash;
import dev.patchbay.primitives.Transaction;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Sections 2 and 9 of the seed, "SessionCommand": a command a test, and refused handshakes. */
class SeedCommandsTest extends EthFixture {
  private static final PeerId ID = new PeerId("devp2p", "a");

  /** The mode of the seed: blocks are announced by their hashes. */
  @Override
  String gossip() {
    return "announce";
  }

  private static List<NewBlockHashes> announcements(Peer peer) {
    return peer.connection.take(MessageCode.NEW_BLOCK_HASHES, NewBlockHashes::decode);
  }

  private CompletableFuture<Integer> execute(PeerCommand command) {
    return service.commands().execute(command);
  }

  private static GetBlockHeaders headersRequest(Peer peer) {
    return peer.connection.takeOne(MessageCode.GET_BLOCK_HEADERS, GetBlockHeaders::decode);
  }

  private static GetBlockBodies bodiesRequest(Peer peer) {
    return peer.connection.takeOne(MessageCode.GET_BLOCK_BODIES, GetBlockBodies::decode);
  }

  @Test
  void broadcastBlock() throws PeerBreachException {
    Peer first = peer("a");
    Peer second = peer(EthVersion.ETH_68, "b");
    Peer knows = peer("c");
    Block block = seal();
    knows.send(
        new NewBlockHashes(List.of(new NewBlockHashes.Announced(block.hash(), block.number()))));
    PeerCommand command = new PeerCommand.BroadcastBlock(block.hash(), block.number());
    assertThat(execute(command)).isCompletedWithValue(2);
    for (Peer peer : List.of(first, second)) {
      assertThat(announcements(peer))
          .containsExactly(
              new NewBlockHashes(List.of(new NewBlockHashes.Announced(block.hash(), 51))));
    }
    assertThat(announcements(knows)).isEmpty();
    assertThat(execute(command)).isCompletedWithValue(0); // all know it
  }

  @ParameterizedTest
  @CsvSource({
    "Geth/v1.13.15-stable-c5ba367e/linux-amd64/go1.21.6, true",
    "Geth/validator/v1.10.26-stable/linux-amd64/go1.18, true",
    "Geth/v1.14.0-stable/linux-amd64/go1.22, false",
    "Geth/v1.17.6-unstable/linux-amd64/go1.25, false",
    "Geth/v2.0.0/linux-amd64/go1.25, false",
    "Geth/unknown, false",
    "besu/v26.8.0/linux-x86_64/openjdk-java-21, true",
    "Patchbay/v0.1.0/linux-amd64/java17, true"
  })
  void broadcastBlockLeavesOutClientsThatEndTheConnection(String client, boolean accepts)
      throws PeerBreachException {
    Peer peer = peer("a");
    peer.connection.clientId = client;
    Block block = seal();
    execute(new PeerCommand.BroadcastBlock(block.hash(), block.number()));
    assertThat(announcements(peer)).hasSize(accepts ? 1 : 0);
  }

  @Test
  void broadcastBlockAnnouncesNothingOnAChainOfAConsensusClient() throws PeerBreachException {
    Peer peer = peer("a");
    Block block = chain.extend(); // difficulty 0
    assertThat(execute(new PeerCommand.BroadcastBlock(block.hash(), block.number())))
        .isCompletedWithValue(0);
    assertThat(announcements(peer)).isEmpty();
  }

  @Test
  void getBlockHeadersIsOneRequestOf512Headers() throws PeerBreachException {
    for (int i = chain.canonical.size(); i <= 600; i++) {
      chain.extend();
    }
    Peer peer = peer("a");
    CompletableFuture<Integer> result = execute(new PeerCommand.GetBlockHeaders(ID, 1, 512));
    GetBlockHeaders request = headersRequest(peer);
    assertThat(request.origin()).isEqualTo(new GetBlockHeaders.ByNumber(1));
    assertThat(request.limit()).isEqualTo(512);
    assertThat(result).isNotDone();
    peer.send(service.chain().headers(request));
    assertThat(result).isCompletedWithValue(512);
    assertThat(peer.connection.sent).isEmpty();
    PeerEvent.BlockHeaders event = (PeerEvent.BlockHeaders) events.get(0);
    assertThat(event.requestId()).isEqualTo(request.requestId());
    assertThat(event.headers()).hasSize(512);
    assertThat(event.headers().get(511).number()).isEqualTo(512);
  }

  @Test
  void getBlockHeadersRequestsTheRestAgain() throws PeerBreachException {
    for (int i = chain.canonical.size(); i <= 1_200; i++) {
      chain.extend();
    }
    Peer peer = peer("a");
    CompletableFuture<Integer> result = execute(new PeerCommand.GetBlockHeaders(ID, 1, 1_000));
    GetBlockHeaders first = headersRequest(peer);
    assertThat(first.limit()).isEqualTo(512);
    BlockHeaders whole = service.chain().headers(first);
    peer.send(new BlockHeaders(whole.requestId(), whole.headers().subList(0, 192))); // as Besu
    GetBlockHeaders second = headersRequest(peer);
    assertThat(second.origin()).isEqualTo(new GetBlockHeaders.ByNumber(193));
    assertThat(second.limit()).isEqualTo(512);
    assertThat(second.requestId()).isNotEqualTo(first.requestId());
    peer.send(service.chain().headers(second));
    GetBlockHeaders third = headersRequest(peer);
    assertThat(third.origin()).isEqualTo(new GetBlockHeaders.ByNumber(705));
    assertThat(third.limit()).isEqualTo(296);
    peer.send(service.chain().headers(third));
    assertThat(result).isCompletedWithValue(1_000);
    List<Long> numbers = new ArrayList<>();
    for (PeerEvent event : events) {
      ((PeerEvent.BlockHeaders) event).headers().forEach(header -> numbers.add(header.number()));
    }
    assertThat(numbers).hasSize(1_000).isSorted().doesNotHaveDuplicates();
  }

  @Test
  void getBlockHeadersEndsWhereThePeerHasNoMore() throws PeerBreachException {
    Peer peer = peer("a");
    CompletableFuture<Integer> upwards = execute(new PeerCommand.GetBlockHeaders(ID, 40, 100));
    peer.send(service.chain().headers(headersRequest(peer)));
    assertThat(headersRequest(peer).origin()).isEqualTo(new GetBlockHeaders.ByNumber(51));
    peer.send(new BlockHeaders(2, List.of()));
    assertThat(upwards).isCompletedWithValue(11);

    CompletableFuture<Integer> downwards =
        execute(
            new PeerCommand.GetBlockHeaders(
                ID, new HeaderStart.ByHash(chain.head().hash()), 100, 9, true));
    peer.send(service.chain().headers(headersRequest(peer)));
    assertThat(downwards).isCompletedWithValue(6); // 50, 40 … 0: there is nothing below
  }

  @Test
  void getBlockHeadersNeedsAPeerThatReplies() throws PeerBreachException {
    assertThatThrownBy(() -> execute(new PeerCommand.GetBlockHeaders(ID, 1, 1)).get())
        .hasCauseInstanceOf(RequestFailedException.class)
        .hasMessageContaining("not connected");
    Peer peer = peer("a");
    assertThat(service.commands().canRequest(ID)).isTrue();
    CompletableFuture<Integer> late = execute(new PeerCommand.GetBlockHeaders(ID, 1, 1));
    pass(Requests.BLOCKS_TIMEOUT_MILLIS);
    assertThatThrownBy(late::get).hasRootCauseInstanceOf(RequestFailedException.class);
    CompletableFuture<Integer> wrong = execute(new PeerCommand.GetBlockHeaders(ID, 1, 1));
    GetBlockHeaders request =
        peer.connection.take(MessageCode.GET_BLOCK_HEADERS, GetBlockHeaders::decode).get(1);
    assertBreach(
        DisconnectReason.PROTOCOL_BREACH,
        () ->
            peer.send(
                new BlockHeaders(
                    request.requestId(), List.of(Bytes.wrap(chain.head().header().encode())))));
    assertThatThrownBy(wrong::get).hasRootCauseInstanceOf(PeerBreachException.class);
    assertThat(events).isEmpty();
  }

  @Test
  void getBlockBodies() throws PeerBreachException {
    for (int i = chain.canonical.size(); i <= 300; i++) {
      chain.extend();
    }
    Peer peer = peer("a");
    List<Hash> hashes = chain.canonical.stream().map(Block::hash).toList();
    CompletableFuture<Integer> result = execute(new PeerCommand.GetBlockBodies(ID, hashes));
    GetBlockBodies first = bodiesRequest(peer);
    assertThat(first.hashes()).isEqualTo(hashes.subList(0, 128));
    BlockBodies whole = service.chain().bodies(first);
    peer.send(new BlockBodies(whole.requestId(), whole.bodies().subList(0, 100)));
    GetBlockBodies second = bodiesRequest(peer);
    assertThat(second.hashes()).isEqualTo(hashes.subList(100, 228));
    peer.send(service.chain().bodies(second));
    GetBlockBodies third = bodiesRequest(peer);
    assertThat(third.hashes()).isEqualTo(hashes.subList(228, 301));
    peer.send(service.chain().bodies(third));
    assertThat(result).isCompletedWithValue(301);
    assertThat(events).hasSize(3).allMatch(PeerEvent.BlockBodies.class::isInstance);
    assertThat(execute(new PeerCommand.GetBlockBodies(ID, List.of()))).isCompletedWithValue(0);
  }

  @Test
  void sendBlockHeadersAndSendBlockBodiesNeedNoCommand() throws PeerBreachException {
    service.events().set(new NoEvents());
    Peer peer = peer("a");
    peer.send(new GetBlockHeaders(3, new GetBlockHeaders.ByNumber(1), 2, 0, false));
    peer.send(new GetBlockBodies(4, List.of(chain.head().hash())));
    assertThat(peer.connection.takeOne(MessageCode.BLOCK_HEADERS, BlockHeaders::decode).headers())
        .hasSize(2);
    assertThat(peer.connection.takeOne(MessageCode.BLOCK_BODIES, BlockBodies::decode).bodies())
        .hasSize(1);
  }

  @Test
  void broadcastTransactions() throws PeerBreachException {
    List<Peer> few = new ArrayList<>();
    for (int i = 0; i < 4; i++) {
      few.add(peer("peer" + i));
    }
    List<Transaction> sent = txs(2);
    PeerCommand command =
        new PeerCommand.BroadcastTransactions(
            sent.stream().map(tx -> Bytes.wrap(tx.encode())).toList());
    assertThat(execute(command)).isCompletedWithValue(4);
    service.tick();
    for (Peer peer : few) { // with 4 peers or fewer, in full to all
      assertThat(peer.broadcast()).isEqualTo(sent);
    }
    assertThatThrownBy(
            () ->
                execute(new PeerCommand.BroadcastTransactions(List.of(Bytes.fromHex("0x02c0"))))
                    .get())
        .hasCauseInstanceOf(IllegalArgumentException.class);
  }

  private void assertRefused(Status status) throws PeerBreachException {
    Peer peer = new Peer(EthVersion.ETH_69, "b");
    assertBreach(DisconnectReason.SUBPROTOCOL_ERROR, () -> peer.send(status));
    assertThat(peer.connection.isEstablished).isFalse();
    assertThat(service.commands().canRequest(new PeerId("devp2p", "b"))).isFalse();
  }

  @Test
  void handshakesOfAnotherChainAreRefused() throws PeerBreachException {
    Status s = new Peer(EthVersion.ETH_69, "a").status();
    assertRefused(new Status(69, s.networkId(), hash(1), s.forkId(), s.head())); // genesis_hash
    assertRefused(new Status(69, 1, s.genesis(), s.forkId(), s.head())); // chain_id
    assertRefused(new Status(69, s.networkId(), s.genesis(), new ForkId(1, 0), s.head()));
    assertRefused(new Status(70, s.networkId(), s.genesis(), s.forkId(), s.head())); // version
    assertThat(events).isEmpty();
  }
}
