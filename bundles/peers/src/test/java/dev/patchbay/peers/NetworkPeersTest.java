// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.peers;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.patchbay.api.p2p.Network;
import dev.patchbay.api.p2p.PeerCommand;
import dev.patchbay.api.p2p.PeerCommandHandler;
import dev.patchbay.api.p2p.PeerId;
import dev.patchbay.api.p2p.PeerInfo;
import dev.patchbay.api.p2p.RequestFailedException;
import dev.patchbay.primitives.Block;
import dev.patchbay.primitives.BlockBody;
import dev.patchbay.primitives.BlockHeader;
import dev.patchbay.primitives.Hash;
import dev.patchbay.primitives.UInt256;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import org.junit.jupiter.api.Test;

class NetworkPeersTest {
  private final NetworkPeers peers = new NetworkPeers();

  private record FakeHandler(PeerId peer, int result, List<PeerCommand> commands)
      implements PeerCommandHandler {
    @Override
    public boolean canRequest(PeerId id) {
      return id.equals(peer);
    }

    @Override
    public CompletableFuture<Integer> execute(PeerCommand command) {
      commands.add(command);
      return CompletableFuture.completedFuture(result);
    }

    @Override
    public CompletableFuture<List<BlockHeader>> headers(PeerCommand.GetBlockHeaders request) {
      commands.add(request);
      return CompletableFuture.completedFuture(List.of());
    }

    @Override
    public CompletableFuture<List<BlockBody>> bodies(PeerCommand.GetBlockBodies request) {
      commands.add(request);
      return CompletableFuture.completedFuture(List.of());
    }
  }

  @Test
  void peerCount() { // a row of the seed: all networks together, and no connection under way
    Network one = new FakeNetwork("one", List.of("a", "b"));
    Network two = new FakeNetwork("two", List.of("a"));
    assertThat(peers.count()).isZero();
    assertThat(peers.isListening()).isFalse();
    peers.add(one);
    peers.add(two);
    assertThat(peers.count()).isEqualTo(3);
    assertThat(peers.list())
        .extracting(PeerInfo::id)
        .containsExactly(new PeerId("one", "a"), new PeerId("one", "b"), new PeerId("two", "a"));
    assertThat(peers.pending()).hasSize(3);
    assertThat(peers.isListening()).isTrue();
    assertThat(peers.network("two")).isSameAs(two);
    assertThat(peers.network("three")).isNull();
    assertThat(peers.disconnects()).containsExactly(Map.entry("sent: too many peers", 3L));
    peers.remove(one);
    assertThat(peers.count()).isEqualTo(1);
    assertThat(peers.isListening()).isFalse();
  }

  @Test
  void aBlockGoesToEveryNetwork() {
    FakeHandler one = new FakeHandler(new PeerId("one", "a"), 2, new ArrayList<>());
    FakeHandler two = new FakeHandler(new PeerId("two", "a"), 3, new ArrayList<>());
    peers.add(one);
    peers.add(two);
    BlockHeader header =
        BlockHeader.builder()
            .parentHash(Hash.ZERO)
            .number(4)
            .gasLimit(1)
            .baseFeePerGas(UInt256.ONE)
            .build();
    Block block = new Block(header, List.of(), List.of(), null);
    assertThat(peers.broadcast(block)).isCompletedWithValue(5);
    PeerCommand command = new PeerCommand.BroadcastBlock(block.hash(), 4);
    assertThat(one.commands()).containsExactly(command);
    assertThat(two.commands()).containsExactly(command);
    peers.remove(one);
    assertThat(peers.broadcast(block)).isCompletedWithValue(3);
  }

  @Test
  void aRequestGoesToTheHandlerOfThePeer() {
    FakeHandler one = new FakeHandler(new PeerId("one", "a"), 2, new ArrayList<>());
    FakeHandler two = new FakeHandler(new PeerId("two", "a"), 3, new ArrayList<>());
    peers.add(one);
    peers.add(two);
    PeerCommand command = new PeerCommand.GetBlockHeaders(new PeerId("two", "a"), 1, 512);
    assertThat(peers.execute(command)).isCompletedWithValue(3);
    assertThat(one.commands()).isEmpty();
    assertThatThrownBy(
            () ->
                peers
                    .execute(new PeerCommand.GetBlockBodies(new PeerId("x", "a"), List.of()))
                    .get())
        .hasCauseInstanceOf(RequestFailedException.class)
        .hasMessageContaining("not connected");
    assertThatThrownBy(() -> new PeerCommand.GetBlockHeaders(new PeerId("two", "a"), 1, 0))
        .isInstanceOf(IllegalArgumentException.class);
  }

  @Test
  void aHandlerThatThrowsFailsTheCommandOnly() {
    peers.add(
        new PeerCommandHandler() {
          @Override
          public boolean canRequest(PeerId peer) {
            return false;
          }

          @Override
          public CompletableFuture<Integer> execute(PeerCommand command) {
            throw new IllegalStateException("a test");
          }

          @Override
          public CompletableFuture<List<BlockHeader>> headers(PeerCommand.GetBlockHeaders request) {
            throw new IllegalStateException("a test");
          }

          @Override
          public CompletableFuture<List<BlockBody>> bodies(PeerCommand.GetBlockBodies request) {
            throw new IllegalStateException("a test");
          }
        });
    FakeHandler other = new FakeHandler(new PeerId("two", "a"), 3, new ArrayList<>());
    peers.add(other);
    assertThat(peers.execute(new PeerCommand.BroadcastTransactions(List.of())))
        .isCompletedExceptionally();
    assertThat(other.commands()).hasSize(1);
  }
}
