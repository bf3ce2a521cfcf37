// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.p2p.eth;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.patchbay.api.p2p.DisconnectReason;
import dev.patchbay.api.p2p.HeaderStart;
import dev.patchbay.api.p2p.PeerBreachException;
import dev.patchbay.api.p2p.PeerEvent;
import dev.patchbay.api.p2p.PeerId;
import dev.patchbay.primitives.Block;
import dev.patchbay.primitives.BlockBody;
import dev.patchbay.primitives.Bytes;
import dev.patchbay.primitives.Hash;
import dev.patchbay.primitives.Transaction;
import dev.patchbay.primitives.UInt256;
import dev.patchbay.primitives.rlp.RlpException;
import java.util.List;
import org.junit.jupiter.api.Test;

/** Section 10 of the seed, "P2pEvent": an event a test, for those that messages of eth cause. */
class SeedEventsTest extends EthFixture {
  private static final PeerId ID = new PeerId("devp2p", "a");

  @Test
  void newBlockHash() throws PeerBreachException {
    Peer peer = peer("a");
    peer.send(
        new NewBlockHashes(
            List.of(
                new NewBlockHashes.Announced(hash(1), 51),
                new NewBlockHashes.Announced(hash(2), 52))));
    assertThat(events)
        .containsExactly(
            new PeerEvent.NewBlockHash(ID, hash(1), 51),
            new PeerEvent.NewBlockHash(ID, hash(2), 52));
  }

  @Test
  void newBlock() throws PeerBreachException {
    chain.config = CLIQUE;
    Peer peer = peer("a");
    Block block = FakeChain.child(chain.head(), "new");
    peer.send(new NewBlock(block, UInt256.of(99)));
    assertThat(events).hasSize(1);
    PeerEvent.NewBlock event = (PeerEvent.NewBlock) events.get(0);
    assertThat(event.peer()).isEqualTo(ID);
    assertThat(event.hash()).isEqualTo(block.hash());
    assertThat(event.number()).isEqualTo(51);
    assertThat(event.totalDifficulty()).isEqualTo(UInt256.of(99));
  }

  @Test
  void transactions() throws PeerBreachException {
    Peer peer = peer("a");
    List<Transaction> sent = txs(2);
    peer.send(new Transactions(sent));
    assertThat(events)
        .containsExactly(
            new PeerEvent.Transactions(
                ID, sent.stream().map(tx -> Bytes.wrap(tx.encode())).toList()));
    importAll();
    assertThat(pool.get(sent.get(0).hash())).isNotNull();
  }

  @Test
  void getBlockHeadersRequest() throws PeerBreachException {
    Peer peer = peer("a");
    peer.send(new GetBlockHeaders(7, new GetBlockHeaders.ByNumber(9), 3, 2, true));
    Hash start = chain.head().hash();
    peer.send(new GetBlockHeaders(0, new GetBlockHeaders.ByHash(start), 1, 0, false));
    assertThat(events)
        .containsExactly(
            new PeerEvent.GetBlockHeadersRequest(ID, 7, new HeaderStart.ByNumber(9), 3, 2, true),
            new PeerEvent.GetBlockHeadersRequest(
                ID, 0, new HeaderStart.ByHash(start), 1, 0, false));
    // sendBlockHeaders: the reply does not wait for a listener
    assertThat(peer.connection.take(MessageCode.BLOCK_HEADERS, BlockHeaders::decode))
        .extracting(BlockHeaders::requestId)
        .containsExactly(7L, 0L);
  }

  @Test
  void getBlockBodiesRequest() throws PeerBreachException {
    Peer peer = peer("a");
    List<Hash> hashes = List.of(chain.head().hash(), chain.genesis().hash());
    peer.send(new GetBlockBodies(8, hashes));
    assertThat(events).containsExactly(new PeerEvent.GetBlockBodiesRequest(ID, 8, hashes));
    // sendBlockBodies: the reply does not wait for a listener
    BlockBodies reply = peer.connection.takeOne(MessageCode.BLOCK_BODIES, BlockBodies::decode);
    assertThat(reply.requestId()).isEqualTo(8);
    assertThat(reply.bodies()).hasSize(2);
  }

  @Test
  void blockHeaders() throws PeerBreachException {
    Peer peer = peer("a");
    peer.handler.requests().headers(new GetBlockHeaders.ByNumber(3), 2, 0, false);
    GetBlockHeaders request =
        peer.connection.takeOne(MessageCode.GET_BLOCK_HEADERS, GetBlockHeaders::decode);
    peer.send(service.chain().headers(request));
    assertThat(events)
        .containsExactly(
            new PeerEvent.BlockHeaders(
                ID, request.requestId(), List.of(chain.header(3), chain.header(4))));
  }

  @Test
  void blockBodies() throws PeerBreachException {
    Peer peer = peer("a");
    peer.handler.requests().bodies(List.of(chain.head().hash()));
    GetBlockBodies request =
        peer.connection.takeOne(MessageCode.GET_BLOCK_BODIES, GetBlockBodies::decode);
    peer.send(service.chain().bodies(request));
    assertThat(events)
        .containsExactly(
            new PeerEvent.BlockBodies(
                ID, request.requestId(), List.of(new BlockBody(List.of(), List.of(), List.of()))));
  }

  @Test
  void noMessageThatIsABreachIsAnEvent() throws PeerBreachException {
    Peer peer = peer("a");
    assertThatThrownBy(
            () -> peer.handler.messageReceived(MessageCode.NEW_BLOCK, Bytes.fromHex("0xc0")))
        .isInstanceOf(RlpException.class);
    assertBreach(
        DisconnectReason.PROTOCOL_BREACH, () -> peer.send(new Transactions(List.of(blobTx(0, 1)))));
    assertBreach(DisconnectReason.PROTOCOL_BREACH, () -> peer.send(new BlockHeaders(9, List.of())));
    assertThat(events).isEmpty();
  }
}
