// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.p2p.devp2p;

import static org.assertj.core.api.Assertions.assertThat;

import dev.patchbay.api.p2p.DisconnectReason;
import dev.patchbay.p2p.devp2p.rlpx.NodeId;
import dev.patchbay.p2p.devp2p.rlpx.NodeKey;
import java.math.BigInteger;
import java.time.Duration;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

/** Who may be a peer. */
class PeerManagerTest {
  /** Nodes in the order of their ids. */
  private static final List<NodeId> NODES =
      IntStream.rangeClosed(1, 40).mapToObj(PeerManagerTest::node).sorted().toList();

  private static final NodeId SELF = NODES.get(20);

  private final TestClock clock = new TestClock();
  private final Set<NodeId> banned = new HashSet<>();
  private final PeerManager<Connection> peers = manager(9);

  private record Connection(NodeId id, boolean inbound, int number)
      implements PeerManager.Connection {}

  private PeerManager<Connection> manager(int maxPeers) {
    return new PeerManager<>(SELF, maxPeers, clock, banned::contains);
  }

  static NodeId node(int number) {
    byte[] secret = new byte[32];
    byte[] digits = BigInteger.valueOf(number).toByteArray();
    System.arraycopy(digits, 0, secret, 32 - digits.length, digits.length);
    return NodeKey.of(secret).id();
  }

  private static Connection inbound(int node) {
    return new Connection(NODES.get(node), true, 0);
  }

  private static Connection dialed(int node) {
    return new Connection(NODES.get(node), false, 0);
  }

  private DisconnectReason refusal(Connection connection) {
    DisconnectReason before = peers.check(connection);
    DisconnectReason refusal = peers.admit(connection).refusal();
    assertThat(before).isEqualTo(refusal);
    return refusal;
  }

  @Test
  void aThirdOfThePeersMayBeDialed() {
    assertThat(peers.freeDials()).isEqualTo(3);
    for (int i = 0; i < 3; i++) {
      assertThat(refusal(dialed(i))).isNull();
    }
    assertThat(peers.freeDials()).isZero();
    assertThat(refusal(dialed(3))).isEqualTo(DisconnectReason.TOO_MANY_PEERS);
    for (int i = 4; i < 10; i++) {
      assertThat(refusal(inbound(i))).isNull();
    }
    assertThat(refusal(inbound(10))).isEqualTo(DisconnectReason.TOO_MANY_PEERS);
    assertThat(peers.connections()).hasSize(9);
  }

  @Test
  void inboundPeersLeaveRoomForDials() {
    for (int i = 0; i < 6; i++) {
      assertThat(refusal(inbound(i))).isNull();
    }
    assertThat(refusal(inbound(6))).isEqualTo(DisconnectReason.TOO_MANY_PEERS);
    assertThat(refusal(dialed(6))).isNull();
  }

  @Test
  void aSingleStrangerMayConnectOrBeDialed() {
    PeerManager<Connection> one = manager(1);
    assertThat(one.admit(inbound(1)).refusal()).isNull();
    assertThat(one.admit(inbound(2)).refusal()).isEqualTo(DisconnectReason.TOO_MANY_PEERS);
    assertThat(manager(1).admit(dialed(1)).refusal()).isNull();
    assertThat(manager(0).admit(dialed(1)).refusal()).isEqualTo(DisconnectReason.TOO_MANY_PEERS);
  }

  @Test
  void configuredNodesAreExemptFromTheSharesAndNotFromTheLimit() {
    for (int i = 0; i < 10; i++) {
      peers.configure(NODES.get(i));
    }
    for (int i = 0; i < 9; i++) {
      assertThat(refusal(dialed(i))).isNull();
    }
    assertThat(refusal(dialed(9))).isEqualTo(DisconnectReason.TOO_MANY_PEERS);
    assertThat(peers.freeDials()).isZero();
  }

  @Test
  void trustedNodesAreExemptAndNotCounted() {
    for (int i = 0; i < 15; i++) {
      assertThat(peers.trust(NODES.get(i))).isTrue();
      assertThat(refusal(inbound(i))).isNull();
    }
    assertThat(refusal(inbound(15))).isNull();
    assertThat(peers.trust(NODES.get(0))).isFalse();
    assertThat(peers.distrust(NODES.get(0))).isTrue();
    assertThat(peers.distrust(NODES.get(0))).isFalse();
    assertThat(peers.isTrusted(NODES.get(0))).isFalse();
  }

  @Test
  void aPlaceIsFreeAgainAfterAnEnd() {
    for (int i = 0; i < 6; i++) {
      peers.admit(inbound(i));
    }
    assertThat(peers.remove(inbound(3))).isTrue();
    assertThat(peers.remove(inbound(3))).isFalse();
    assertThat(peers.get(NODES.get(3))).isNull();
    assertThat(refusal(inbound(6))).isNull();
  }

  @Test
  void theNodeItselfIsRefused() {
    assertThat(refusal(inbound(20))).isEqualTo(DisconnectReason.SELF);
    assertThat(refusal(dialed(20))).isEqualTo(DisconnectReason.SELF);
  }

  @Test
  void bannedNodesAreRefusedUnlessTrusted() {
    banned.add(NODES.get(1));
    assertThat(refusal(inbound(1))).isEqualTo(DisconnectReason.USELESS_PEER);
    peers.trust(NODES.get(1));
    assertThat(refusal(inbound(1))).isNull();
  }

  @Test
  void aSecondConnectionInTheSameDirectionIsRefused() {
    peers.admit(inbound(1));
    Connection second = new Connection(NODES.get(1), true, 2);
    assertThat(refusal(second)).isEqualTo(DisconnectReason.ALREADY_CONNECTED);
    assertThat(peers.remove(second)).isFalse();
    assertThat(peers.get(NODES.get(1))).isEqualTo(inbound(1));
  }

  @Test
  void ofTwoConnectionsThatCrossTheOneStaysThatTheLowerNodeHasDialed() {
    peers.admit(dialed(1)); // node 1 is lower than this node
    assertThat(peers.admit(inbound(1))).isEqualTo(new PeerManager.Admission<>(null, dialed(1)));
    assertThat(refusal(dialed(1))).isEqualTo(DisconnectReason.ALREADY_CONNECTED);

    peers.admit(inbound(30)); // node 30 is higher
    assertThat(peers.admit(dialed(30))).isEqualTo(new PeerManager.Admission<>(null, inbound(30)));
    assertThat(refusal(inbound(30))).isEqualTo(DisconnectReason.ALREADY_CONNECTED);

    assertThat(peers.remove(dialed(1))).isFalse(); // the end of the replaced one
    assertThat(peers.get(NODES.get(1))).isEqualTo(inbound(1));
    assertThat(peers.connections()).hasSize(2);
  }

  @Test
  void bothNodesKeepTheSameOfTwoConnectionsInAnyOrder() {
    for (boolean ownFirst : new boolean[] {false, true}) {
      for (boolean otherFirst : new boolean[] {false, true}) {
        NodeId low = NODES.get(1);
        NodeId high = NODES.get(2);
        assertThat(keptDialed(low, high, ownFirst)).isTrue();
        assertThat(keptDialed(high, low, otherFirst)).isFalse();
      }
    }
  }

  /** Returns whether a node keeps the connection that it has dialed itself. */
  private boolean keptDialed(NodeId self, NodeId other, boolean dialedFirst) {
    PeerManager<Connection> manager = new PeerManager<>(self, 9, clock, banned::contains);
    manager.admit(new Connection(other, !dialedFirst, 1));
    manager.admit(new Connection(other, dialedFirst, 2));
    return !manager.get(other).inbound();
  }

  @Test
  void anOlderConnectionStays() {
    peers.admit(dialed(1));
    clock.advance(PeerManager.SIMULTANEOUS.minus(Duration.ofMillis(1)));
    assertThat(peers.check(inbound(1))).isNull();
    clock.advance(Duration.ofMillis(1));
    assertThat(refusal(inbound(1))).isEqualTo(DisconnectReason.ALREADY_CONNECTED);
  }
}
