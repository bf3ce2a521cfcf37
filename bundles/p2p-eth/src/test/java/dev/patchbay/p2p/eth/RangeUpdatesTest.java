// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.p2p.eth;

import static org.assertj.core.api.Assertions.assertThat;

import dev.patchbay.api.p2p.PeerBreachException;
import java.util.List;
import org.junit.jupiter.api.Test;

class RangeUpdatesTest extends EthFixture {
  private static List<BlockRange> updates(Peer peer) {
    return peer.connection.take(MessageCode.BLOCK_RANGE_UPDATE, BlockRangeUpdate::decode).stream()
        .map(BlockRangeUpdate::range)
        .toList();
  }

  @Test
  void sendsTheRangeEveryTwoMinutesWhenItHasMoved() throws PeerBreachException {
    Peer peer = peer(EthVersion.ETH_69, "a");
    Peer old = peer(EthVersion.ETH_68, "b");
    chain.extend();
    pass(RangeUpdates.INTERVAL_MILLIS - 1);
    assertThat(updates(peer)).isEmpty();
    pass(1);
    assertThat(updates(peer)).containsExactly(new BlockRange(0, 51, chain.head().hash()));
    pass(RangeUpdates.INTERVAL_MILLIS);
    assertThat(updates(peer)).as("it has not moved").isEmpty();
    chain.oldest = 10;
    pass(RangeUpdates.INTERVAL_MILLIS);
    assertThat(updates(peer)).containsExactly(new BlockRange(10, 51, chain.head().hash()));
    assertThat(old.connection.sent).isEmpty();
  }

  @Test
  void doesNotRepeatTheRangeOfStatus() throws PeerBreachException {
    Peer peer = peer(EthVersion.ETH_71, "a");
    pass(RangeUpdates.INTERVAL_MILLIS);
    assertThat(updates(peer)).isEmpty();
  }

  @Test
  void triesAgainWhenThePeerDidNotRead() throws PeerBreachException {
    Peer peer = peer(EthVersion.ETH_69, "a");
    chain.extend();
    peer.connection.reads = false;
    pass(RangeUpdates.INTERVAL_MILLIS);
    peer.connection.reads = true;
    pass(RangeUpdates.INTERVAL_MILLIS);
    assertThat(updates(peer)).hasSize(1);
  }

  @Test
  void sendsNothingWhileThereIsNoChain() throws PeerBreachException {
    Peer peer = peer(EthVersion.ETH_69, "a");
    chain.extend();
    chain.isUnavailable = true;
    pass(RangeUpdates.INTERVAL_MILLIS);
    assertThat(updates(peer)).isEmpty();
  }
}
