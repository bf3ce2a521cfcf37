// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.p2p.eth;

import static org.assertj.core.api.Assertions.assertThat;

import dev.patchbay.api.p2p.ChainHead;
import dev.patchbay.api.p2p.DisconnectReason;
import dev.patchbay.api.p2p.PeerBreachException;
import dev.patchbay.api.p2p.PeerCommand;
import dev.patchbay.primitives.Block;
import dev.patchbay.primitives.BlockHeader;
import dev.patchbay.primitives.Hash;
import dev.patchbay.primitives.UInt256;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;

/** Which peers get a new block, and in which form; what a block that is received says of a peer. */
class BlockSenderTest extends EthFixture {
  private String gossip = "auto";

  private final class Node extends EthFixture {
    @Override
    String gossip() {
      return gossip;
    }
  }

  private static List<Peer> peers(EthFixture node, int count) throws PeerBreachException {
    List<Peer> out = new ArrayList<>();
    for (int i = 0; i < count; i++) {
      out.add(node.peer("peer" + i));
    }
    return out;
  }

  private static List<NewBlock> blocks(Peer peer) {
    return peer.connection.take(MessageCode.NEW_BLOCK, NewBlock::decode);
  }

  private static List<Hash> announced(Peer peer) {
    return peer.connection.take(MessageCode.NEW_BLOCK_HASHES, NewBlockHashes::decode).stream()
        .flatMap(message -> message.blocks().stream())
        .map(NewBlockHashes.Announced::hash)
        .toList();
  }

  private static int broadcast(EthFixture node, Block block) {
    return node.service
        .commands()
        .execute(new PeerCommand.BroadcastBlock(block.hash(), block.number()))
        .join();
  }

  @ParameterizedTest
  @CsvSource({"1, 1", "4, 4", "5, 4", "9, 4", "16, 4", "17, 5", "25, 5", "50, 8"})
  void theSquareRootOfThePeersGetsTheBlockAndTheOthersItsHash(int count, int direct)
      throws PeerBreachException {
    List<Peer> peers = peers(this, count);
    Block block = seal();
    assertThat(broadcast(this, block)).isEqualTo(count);
    int full = 0;
    for (Peer peer : peers) {
      List<NewBlock> blocks = blocks(peer);
      List<Hash> hashes = announced(peer);
      assertThat(blocks.size() + hashes.size()).as("each peer once").isEqualTo(1);
      if (blocks.isEmpty()) {
        assertThat(hashes).containsExactly(block.hash());
      } else {
        full++;
        assertThat(blocks).containsExactly(new NewBlock(block, UInt256.of(103)));
      }
    }
    assertThat(full).isEqualTo(direct);
  }

  @Test
  void theNextBlockGoesToOtherPeers() throws PeerBreachException {
    List<Peer> peers = peers(this, 25);
    Set<Peer> direct = new HashSet<>();
    for (int i = 0; i < 8; i++) {
      broadcast(this, seal());
      peers.stream().filter(peer -> !blocks(peer).isEmpty()).forEach(direct::add);
    }
    assertThat(direct).hasSizeGreaterThan(5);
  }

  @ParameterizedTest
  @CsvSource({"auto, 1, 0", "full, 1, 0", "announce, 0, 1", "off, 0, 0"})
  void eachMode(String mode, int blocks, int hashes) throws PeerBreachException {
    gossip = mode;
    Node node = new Node();
    Peer peer = node.peer("a");
    assertThat(broadcast(node, node.seal())).isEqualTo(blocks + hashes);
    assertThat(blocks(peer)).hasSize(blocks);
    assertThat(announced(peer)).hasSize(hashes);
  }

  @ParameterizedTest
  @EnumSource(BlockGossipMode.class)
  void aChainThatAConsensusClientDrivesSendsNothing(BlockGossipMode mode)
      throws PeerBreachException {
    gossip = mode.name().toLowerCase(java.util.Locale.ROOT);
    Node node = new Node();
    Peer peer = node.peer("a");
    assertThat(node.chain.config().isDriven()).isTrue();
    assertThat(broadcast(node, node.chain.extend())).isZero();
    assertThat(peer.connection.sent).isEmpty();
  }

  @Test
  void clientsThatEndTheConnectionGetNothingAndDoNotCount() throws PeerBreachException {
    List<Peer> peers = peers(this, 20);
    for (Peer peer : peers.subList(4, 20)) {
      peer.connection.clientId = "Geth/v1.14.0-stable/linux-amd64/go1.22";
    }
    peers.get(0).connection.clientId = "Geth/v1.13.15-stable/linux-amd64/go1.21.6";
    assertThat(broadcast(this, seal())).isEqualTo(4);
    for (Peer peer : peers.subList(0, 4)) {
      assertThat(blocks(peer)).hasSize(1);
    }
    for (Peer peer : peers.subList(4, 20)) {
      assertThat(peer.connection.sent).isEmpty();
    }
  }

  @Test
  void aBlockIsSentToAPeerOnce() throws PeerBreachException {
    Peer announces = peer("a");
    Peer sends = peer("b");
    Peer other = peer("c");
    Block block = seal();
    announces.send(
        new NewBlockHashes(List.of(new NewBlockHashes.Announced(block.hash(), block.number()))));
    sends.send(new NewBlock(block, UInt256.of(103)));
    assertThat(broadcast(this, block)).isEqualTo(1);
    assertThat(broadcast(this, block)).isZero();
    assertThat(blocks(other)).hasSize(1);
    assertThat(announces.connection.sent).isEmpty();
    assertThat(sends.connection.sent).isEmpty();
  }

  /** geth drops a block whose parent it imports later, and does not request it by itself. */
  @Test
  void theLatestBlockIsAnnouncedAgainToPeersThatHaveNotShownIt() throws PeerBreachException {
    Peer silent = peer("silent");
    Peer shows = peer("shows");
    Block block = seal();
    broadcast(this, block);
    shows.send(
        new NewBlockHashes(List.of(new NewBlockHashes.Announced(block.hash(), block.number()))));
    for (int i = 0; i < 2; i++) {
      pass(BlockSender.REPEAT_MILLIS - 1);
      assertThat(announced(silent)).isEmpty();
      pass(1);
      assertThat(announced(silent)).containsExactly(block.hash());
    }
    assertThat(announced(shows)).isEmpty();
    pass(BlockSender.REPEAT_MILLIS - 1);
    Block next = seal();
    broadcast(this, next);
    pass(1);
    assertThat(announced(silent)).as("another block has followed").isEmpty();
    assertThat(blocks(silent)).extracting(NewBlock::block).containsExactly(block, next);
  }

  @Test
  void aBlockThatTheChainDoesNotHaveIsAnnounced() throws PeerBreachException {
    Peer peer = peer("a");
    Block block = seal();
    Block unknown = FakeChain.child(block, "unknown");
    broadcast(this, unknown);
    assertThat(announced(peer)).containsExactly(unknown.hash());
  }

  @Test
  void aBlockThatIsTooLargeForAMessageIsAnnounced() throws PeerBreachException {
    Peer peer = peer("a");
    BlockHeader header = seal().header();
    Block large = chain.append(new Block(header, List.of(tx(KEY, 0, 11 << 20)), List.of(), null));
    broadcast(this, large);
    assertThat(announced(peer)).containsExactly(large.hash());
    assertThat(blocks(peer)).isEmpty();
  }

  /** Of the blocks that wait the four latest ones are sent; the others are announced. */
  @Test
  void aSlowPeerHoldsFourBlocksAndDelaysNoOther() throws PeerBreachException {
    Peer slow = peer("slow");
    Peer other = peer("other");
    slow.connection.reads = false;
    List<Hash> hashes = new ArrayList<>();
    for (int i = 0; i < 50; i++) {
      Block block = seal();
      hashes.add(block.hash());
      assertThat(broadcast(this, block)).isEqualTo(2);
      assertThat(blocks(other)).hasSize(1);
    }
    pass(100);
    assertThat(slow.connection.sent).isEmpty();
    slow.connection.reads = true;
    pass(100);
    assertThat(announced(slow)).isEqualTo(hashes.subList(50 - 4 - 32, 50 - 4));
    assertThat(blocks(slow))
        .extracting(message -> message.block().hash())
        .isEqualTo(hashes.subList(50 - 4, 50));
    pass(100);
    assertThat(slow.connection.sent).as("once").isEmpty();
  }

  /** What a slow peer holds is bounded by the latest blocks of all peers, not by its own. */
  @Test
  void aBlockThatWaitsIsAnnouncedWhenFourOthersWereSentToOtherPeers() throws PeerBreachException {
    List<Peer> peers = peers(this, 100);
    peers.forEach(peer -> peer.connection.reads = false);
    int waiting = 0;
    for (int i = 0; i < 20; i++) {
      broadcast(this, seal());
    }
    peers.forEach(peer -> peer.connection.reads = true);
    pass(100);
    for (Peer peer : peers) {
      waiting += blocks(peer).size();
      announced(peer);
    }
    assertThat(waiting).as("of four blocks, each to ten peers").isEqualTo(4 * 10);
  }

  // ---- what is received

  private static Block block(long number, UInt256 difficulty) {
    BlockHeader header =
        BlockHeader.builder()
            .parentHash(hash(1))
            .number(number)
            .difficulty(difficulty)
            .gasLimit(30_000_000)
            .build();
    return new Block(header, List.of(), List.of(), null);
  }

  @Test
  void aPeerHasTheParentOfABlockThatItSends() throws PeerBreachException {
    Peer peer = peer(EthVersion.ETH_68, "a");
    peer.send(new NewBlock(block(70, UInt256.of(2)), UInt256.of(120)));
    assertThat(peer.handler.head()).isEqualTo(new ChainHead(hash(1), 69L, UInt256.of(118)));
    peer.send(new NewBlock(block(80, UInt256.of(2)), UInt256.of(100)));
    assertThat(peer.handler.head()).as("less").extracting(ChainHead::number).isEqualTo(69L);
  }

  /** Otherwise a node that loses the last block of its peers would wait for the next one. */
  @Test
  void aSecondLaterAPeerHasTheBlockItself() throws PeerBreachException {
    Peer peer = peer(EthVersion.ETH_68, "a");
    Block block = block(70, UInt256.of(2));
    peer.send(new NewBlock(block, UInt256.of(120)));
    pass(EthPeer.IMPORT_MILLIS - 1);
    assertThat(peer.handler.head()).extracting(ChainHead::number).isEqualTo(69L);
    pass(1);
    assertThat(peer.handler.head()).isEqualTo(new ChainHead(block.hash(), 70L, UInt256.of(120)));
    peer.send(new NewBlockHashes(List.of(new NewBlockHashes.Announced(hash(9), 75))));
    pass(EthPeer.IMPORT_MILLIS);
    assertThat(peer.handler.head()).isEqualTo(new ChainHead(hash(9), 75L, null));
  }

  @Test
  void aTotalDifficultyThatNoChainHasIsABreach() throws PeerBreachException {
    chain.config = CLIQUE;
    UInt256 most = UInt256.of(java.math.BigInteger.TWO.pow(100).subtract(java.math.BigInteger.ONE));
    Peer peer = peer("a");
    peer.send(new NewBlock(block(70, UInt256.of(2)), most));
    for (NewBlock impossible :
        List.of(
            new NewBlock(block(70, UInt256.of(2)), most.add(UInt256.ONE)),
            new NewBlock(block(70, UInt256.of(2)), UInt256.MAX),
            new NewBlock(block(70, UInt256.of(2)), UInt256.ONE),
            new NewBlock(block(0, UInt256.of(2)), UInt256.of(2)))) {
      assertBreach(DisconnectReason.PROTOCOL_BREACH, () -> peer.send(impossible));
    }
    assertThat(events).hasSize(1);
    Peer other = new Peer(EthVersion.ETH_68, "b");
    Status status = other.status();
    assertBreach(
        DisconnectReason.PROTOCOL_BREACH,
        () ->
            other.send(
                new Status(
                    status.version(),
                    status.networkId(),
                    status.genesis(),
                    status.forkId(),
                    new PeerHead.TotalDifficulty(most.add(UInt256.ONE), hash(1)))));
  }
}
