// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.p2p.devp2p;

import static org.assertj.core.api.Assertions.assertThat;

import dev.patchbay.p2p.devp2p.rlpx.NodeId;
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
      assertThat((String) rotation.choose(true, List.of("a", "b"))).isNull();
      clock.advance(Duration.ofMillis(2));
      assertThat(rotation.millisUntilDue()).isZero();
      chosen.add(rotation.choose(true, List.of("a", "b")));
    }
    assertThat(chosen).containsExactlyInAnyOrder("a", "b");
  }

  @Test
  void noPeerIsChosenWhileThereIsRoomOrNoCandidate() {
    clock.advance(Duration.ofMinutes(8));
    assertThat((String) rotation.choose(false, List.of("a"))).isNull();
    clock.advance(Duration.ofMinutes(8));
    assertThat((String) rotation.choose(true, List.<String>of())).isNull();
    assertThat(rotation.millisUntilDue()).isPositive();
  }

  /** A connection of an inbound peer. */
  private record Connection(NodeId id) implements PeerManager.Connection {
    @Override
    public boolean inbound() {
      return true;
    }
  }

  @Test
  void trustedConfiguredAndNewPeersAreExempt() {
    PeerManager<Connection> peers =
        new PeerManager<>(PeerManagerTest.node(9), 4, clock, id -> false);
    peers.trust(PeerManagerTest.node(1));
    peers.configure(PeerManagerTest.node(2));
    for (int i = 1; i <= 4; i++) {
      peers.admit(new Connection(PeerManagerTest.node(i)));
    }
    assertThat(peers.isFull()).isFalse(); // the trusted one is not counted
    assertThat(peers.replaceable(PeerRotation.PROTECTED)).isEmpty();
    clock.advance(PeerRotation.PROTECTED);
    peers.configure(PeerManagerTest.node(5));
    peers.admit(new Connection(PeerManagerTest.node(5)));
    assertThat(peers.isFull()).isTrue();
    assertThat(peers.replaceable(PeerRotation.PROTECTED))
        .containsExactlyInAnyOrder(
            new Connection(PeerManagerTest.node(3)), new Connection(PeerManagerTest.node(4)));
  }
}
