// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.p2p.eth;

import static org.assertj.core.api.Assertions.assertThat;

import dev.patchbay.api.p2p.DisconnectReason;
import dev.patchbay.api.p2p.PeerBreachException;
import dev.patchbay.primitives.Block;
import dev.patchbay.primitives.Bytes;
import dev.patchbay.primitives.ForkId;
import dev.patchbay.primitives.Hash;
import dev.patchbay.primitives.UInt256;
import dev.patchbay.primitives.rlp.RlpException;
import java.time.Duration;
import java.util.List;
import org.assertj.core.api.Assertions;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

class HandshakeTest extends EthFixture {
  @ParameterizedTest
  @EnumSource(EthVersion.class)
  void sendsStatusAtOnce(EthVersion version) throws PeerBreachException {
    chain.oldest = 7;
    Peer peer = new Peer(version, "a");
    Status status = peer.status();
    assertThat(status.version()).isEqualTo(version.number());
    assertThat(status.networkId()).as("the chain id").isEqualTo(1337);
    assertThat(status.genesis()).isEqualTo(chain.genesis().hash());
    assertThat(status.forkId()).isEqualTo(ForkId.of(chain.genesis(), chain.config(), 50, 500));
    assertThat(status.head())
        .isEqualTo(
            version.hasBlockRange()
                ? new BlockRange(7, 50, chain.head().hash())
                : new PeerHead.TotalDifficulty(UInt256.of(101), chain.head().hash()));
    assertThat(peer.connection.isEstablished).isFalse();
    assertThat(service.peers().isEmpty()).isTrue();
  }

  @ParameterizedTest
  @EnumSource(EthVersion.class)
  void isEstablishedByTheStatusOfThePeer(EthVersion version) throws PeerBreachException {
    Peer peer = peer(version, "a");
    assertThat(service.peers().list()).containsExactly(peer.handler);
    assertThat(peer.handler.info()).containsEntry("version", version.number());
    peer.handler.disconnected();
    assertThat(service.peers().isEmpty()).isTrue();
  }

  @Test
  void showsTheHeadOfThePeer() throws PeerBreachException {
    String hash = chain.head().hash().toString();
    Peer peer = peer(EthVersion.ETH_69, "a");
    assertThat(peer.handler.info())
        .containsEntry("earliestBlock", 0L)
        .containsEntry("latestBlock", 50L)
        .containsEntry("latestBlockHash", hash);
    peer.send(new BlockRangeUpdate(new BlockRange(3, 60, hash(1))));
    assertThat(peer.handler.info())
        .containsEntry("earliestBlock", 3L)
        .containsEntry("latestBlock", 60L);
    assertThat(peer(EthVersion.ETH_68, "b").handler.info())
        .containsEntry("difficulty", "0x65")
        .containsEntry("head", hash);
  }

  /** Announcements are newer than what the peer has stated; of versions 69 and later, too. */
  @Test
  void announcedBlocksAreTheHeadOfThePeer() throws PeerBreachException {
    Peer peer = peer(EthVersion.ETH_69, "a");
    peer.send(
        new NewBlockHashes(
            List.of(
                new NewBlockHashes.Announced(hash(2), 52),
                new NewBlockHashes.Announced(hash(1), 51))));
    assertThat(peer.handler.info())
        .containsEntry("earliestBlock", 0L)
        .containsEntry("latestBlock", 52L)
        .containsEntry("latestBlockHash", hash(2).toString());
    peer.send(new NewBlockHashes(List.of(new NewBlockHashes.Announced(hash(9), 40))));
    assertThat(peer.handler.info()).as("an older block").containsEntry("latestBlock", 52L);
    peer.send(new BlockRangeUpdate(new BlockRange(3, 60, hash(6))));
    assertThat(peer.handler.info())
        .containsEntry("latestBlock", 60L)
        .containsEntry("latestBlockHash", hash(6).toString());

    Peer old = peer(EthVersion.ETH_68, "b");
    Block block = FakeChain.child(chain.head(), "new");
    old.send(new NewBlock(block, UInt256.of(103)));
    assertThat(old.handler.info())
        .as("the peer may not have imported it yet")
        .containsEntry("latestBlock", 50L);
    pass(1_000);
    assertThat(old.handler.info())
        .containsEntry("latestBlock", 51L)
        .containsEntry("head", block.hash().toString())
        .containsEntry("difficulty", "0x67");
    old.send(new NewBlockHashes(List.of(new NewBlockHashes.Announced(hash(2), 52))));
    assertThat(old.handler.info())
        .containsEntry("latestBlock", 52L)
        .containsEntry("head", hash(2).toString());
  }

  /** The event of the connection may bring a request before the call returns. */
  @Test
  void aPeerCanBeAskedWhenItsConnectionIsEstablished() throws PeerBreachException {
    Peer peer = new Peer(EthVersion.ETH_69, "a");
    boolean[] canRequest = new boolean[1];
    peer.connection.onEstablished =
        () -> canRequest[0] = service.commands().canRequest(peer.connection.id());
    peer.shakeHands();
    assertThat(canRequest[0]).isTrue();
  }

  @Test
  void theNetworkIdCanDifferFromTheChainId() throws PeerBreachException {
    chain.networkId = UInt256.of(3_503_995_874_084_926L);
    assertThat(new Peer(EthVersion.ETH_69, "a").status().networkId())
        .isEqualTo(3_503_995_874_084_926L);
  }

  private Status valid() throws PeerBreachException {
    return new Peer(EthVersion.ETH_69, "valid").status();
  }

  private void assertRefused(Status status) throws PeerBreachException {
    Peer peer = new Peer(EthVersion.ETH_69, "a");
    assertBreach(DisconnectReason.SUBPROTOCOL_ERROR, () -> peer.send(status));
    assertThat(peer.connection.isEstablished).isFalse();
    assertThat(service.peers().isEmpty()).isTrue();
  }

  @Test
  void refusesAnotherVersion() throws PeerBreachException {
    Status s = valid();
    assertRefused(new Status(68, s.networkId(), s.genesis(), s.forkId(), s.head()));
    assertRefused(new Status(70, s.networkId(), s.genesis(), s.forkId(), s.head()));
  }

  @Test
  void refusesAnotherNetwork() throws PeerBreachException {
    Status s = valid();
    assertRefused(new Status(69, 1, s.genesis(), s.forkId(), s.head()));
  }

  @Test
  void refusesAnotherGenesis() throws PeerBreachException {
    Status s = valid();
    assertRefused(new Status(69, s.networkId(), hash(1), s.forkId(), s.head()));
  }

  @Test
  void refusesAnotherForkId() throws PeerBreachException {
    Status s = valid();
    assertRefused(new Status(69, s.networkId(), s.genesis(), new ForkId(1, 0), s.head()));
    assertRefused(
        new Status(69, s.networkId(), s.genesis(), new ForkId(s.forkId().hash(), 20), s.head()));
  }

  @Test
  void refusesABlockRangeThatCannotBe() throws PeerBreachException {
    Status s = valid();
    for (BlockRange range :
        new BlockRange[] {
          new BlockRange(51, 50, hash(1)),
          new BlockRange(-1, 50, hash(1)),
          new BlockRange(0, 50, Hash.ZERO)
        }) {
      assertRefused(new Status(69, s.networkId(), s.genesis(), s.forkId(), range));
    }
  }

  @Test
  void theFirstMessageIsStatus() throws PeerBreachException {
    for (EthMessage message :
        new EthMessage[] {
          new GetBlockHeaders(1, new GetBlockHeaders.ByNumber(0), 1, 0, false),
          announce(txs(1)),
          new BlockRangeUpdate(new BlockRange(0, 1, hash(1)))
        }) {
      Peer peer = new Peer(EthVersion.ETH_69, "a");
      peer.connection.sent.clear();
      assertBreach(DisconnectReason.PROTOCOL_BREACH, () -> peer.send(message));
      assertThat(peer.connection.sent).isEmpty();
    }
  }

  @Test
  void aSecondStatusIsABreach() throws PeerBreachException {
    Peer peer = peer(EthVersion.ETH_69, "a");
    Status status = valid();
    assertBreach(DisconnectReason.PROTOCOL_BREACH, () -> peer.send(status));
  }

  @Test
  void aStatusOfTheOtherLayoutIsMalformed() throws PeerBreachException {
    Status old = new Peer(EthVersion.ETH_68, "old").status();
    Peer peer = new Peer(EthVersion.ETH_69, "a");
    Assertions.assertThatThrownBy(() -> peer.send(old)).isInstanceOf(RlpException.class);
  }

  @ParameterizedTest
  @EnumSource(EthVersion.class)
  void messagesThatTheVersionDoesNotHaveAreBreaches(EthVersion version) throws PeerBreachException {
    Peer peer = peer(version, "a");
    for (int code = 0x0b; code < 0x0f; code++) {
      int unknown = code;
      assertBreach(
          DisconnectReason.PROTOCOL_BREACH,
          () -> peer.handler.messageReceived(unknown, Bytes.fromHex("0xc0")));
    }
    assertBreach(
        DisconnectReason.PROTOCOL_BREACH,
        () -> peer.handler.messageReceived(version.messageCount(), Bytes.fromHex("0xc0")));
    EthMessage accessLists = new GetBlockAccessLists(1, java.util.List.of());
    if (!version.hasAccessLists()) {
      assertBreach(DisconnectReason.PROTOCOL_BREACH, () -> peer.send(accessLists));
    }
  }

  @Test
  void versionsOccupyTheMessagesOfTheirSpecification() {
    assertThat(EthVersion.values())
        .extracting(version -> new EthProtocol(version, service).messageCount())
        .containsExactly(17, 18, 18, 20);
    assertThat(EthVersion.values())
        .extracting(version -> new EthProtocol(version, service).capability().toString())
        .containsExactly("eth/68", "eth/69", "eth/70", "eth/71");
  }

  @Test
  void aPeerIsTurnedDownWhileThereIsNoChain() {
    services.chain().release(chain, Duration.ZERO);
    assertBreach(DisconnectReason.REQUESTED, () -> new Peer(EthVersion.ETH_69, "a"));
    services.chain().replace(chain, Duration.ZERO);
    chain.isUnavailable = true;
    assertBreach(DisconnectReason.REQUESTED, () -> new Peer(EthVersion.ETH_69, "a"));
  }
}
