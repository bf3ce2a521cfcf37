// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.p2p.devp2p;

import static org.assertj.core.api.Assertions.assertThat;

import dev.patchbay.p2p.devp2p.rlpx.NodeId;
import java.net.InetAddress;
import java.time.Duration;
import java.util.HashSet;
import java.util.List;
import java.util.Random;
import java.util.Set;
import org.junit.jupiter.api.Test;

/** Places that are given to other peers. */
class PeerRotationTest {
  private final TestClock clock = new TestClock();
  private final PeerRotation rotation = new PeerRotation(clock, new Random(14));

  @Test
  void aPeerIsChosenEvery3To7Minutes() {
    Set<String> chosen = new HashSet<>();
    for (int i = 0; i < 100; i++) {
      long wait = rotation.millisUntilDue();
      assertThat(wait).isBetween(180_000L, 420_001L);
      clock.advance(Duration.ofMillis(wait - 2));
      assertThat((String) rotation.choose(List.of("a", "b"))).isNull();
      clock.advance(Duration.ofMillis(2));
      assertThat(rotation.millisUntilDue()).isZero();
      chosen.add(rotation.choose(List.of("a", "b")));
    }
    assertThat(chosen).containsExactlyInAnyOrder("a", "b");
  }

  @Test
  void noPeerIsChosenWhileThereIsNoCandidate() {
    clock.advance(Duration.ofMinutes(8));
    assertThat((String) rotation.choose(List.<String>of())).isNull();
    assertThat(rotation.millisUntilDue()).isPositive();
  }

  private record Connection(NodeId id, boolean inbound) implements PeerManager.Connection {
    @Override
    public InetAddress address() {
      return InetAddress.getLoopbackAddress();
    }
  }

  private static Connection inbound(int node) {
    return new Connection(PeerManagerTest.node(node), true);
  }

  private static Connection dialed(int node) {
    return new Connection(PeerManagerTest.node(node), false);
  }

  /** Returns a manager of six inbound and three dialed places. */
  private PeerManager<Connection> manager() {
    return new PeerManager<>(PeerManagerTest.node(99), 9, clock, id -> false);
  }

  private static void admit(PeerManager<Connection> peers, Connection connection) {
    assertThat(peers.admit(connection)).isNull();
  }

  @Test
  void inboundPeersMakeRoomWhenAllInboundPlacesAreOccupied() {
    PeerManager<Connection> peers = manager();
    admit(peers, dialed(20));
    for (int i = 1; i <= 5; i++) {
      admit(peers, inbound(i));
    }
    clock.advance(PeerRotation.PROTECTED);
    assertThat(peers.replaceable(PeerRotation.PROTECTED)).isEmpty();
    admit(peers, inbound(6));
    assertThat(peers.replaceable(PeerRotation.PROTECTED))
        .containsExactlyInAnyOrder(inbound(1), inbound(2), inbound(3), inbound(4), inbound(5));
  }

  @Test
  void dialedPeersMakeRoomWhenAllDialedPlacesAreOccupied() {
    PeerManager<Connection> peers = manager();
    admit(peers, inbound(20));
    admit(peers, dialed(1));
    admit(peers, dialed(2));
    clock.advance(PeerRotation.PROTECTED);
    assertThat(peers.replaceable(PeerRotation.PROTECTED)).isEmpty();
    admit(peers, dialed(3));
    assertThat(peers.replaceable(PeerRotation.PROTECTED))
        .containsExactlyInAnyOrder(dialed(1), dialed(2));
  }

  @Test
  void trustedConfiguredAndNewPeersAreExempt() {
    PeerManager<Connection> peers = manager();
    peers.trust(PeerManagerTest.node(1));
    for (int i = 2; i <= 5; i++) {
      peers.configure(PeerManagerTest.node(i));
    }
    for (int i = 1; i <= 7; i++) {
      admit(peers, inbound(i));
    }
    admit(peers, dialed(8));
    clock.advance(PeerRotation.PROTECTED);
    admit(peers, dialed(9));
    assertThat(peers.replaceable(PeerRotation.PROTECTED))
        .as("the trusted one is not counted, the configured ones are")
        .containsExactlyInAnyOrder(inbound(6), inbound(7));
    peers.configure(PeerManagerTest.node(10));
    admit(peers, inbound(10));
    assertThat(peers.replaceable(PeerRotation.PROTECTED))
        .as("all places together are occupied")
        .containsExactlyInAnyOrder(inbound(6), inbound(7), dialed(8));
  }
}
