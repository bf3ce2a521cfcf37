// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.p2p.devp2p;

import static org.assertj.core.api.Assertions.assertThat;

import dev.patchbay.p2p.devp2p.rlpx.NodeId;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

/** Two nodes with one key. */
class KeyCopyCheckTest {
  private static final NodeId PEER = PeerManagerTest.node(1);

  private final TestClock clock = new TestClock();
  private final List<String> warnings = new ArrayList<>();
  private final KeyCopyCheck check = new KeyCopyCheck(clock, warnings::add);

  private void refuse(int times, Duration pause) {
    for (int i = 0; i < times; i++) {
      check.alreadyConnected(PEER, false, true);
      clock.advance(pause);
    }
  }

  @Test
  void aPeerThatRefusesForMinutesIsReportedOnce() {
    refuse(2, Duration.ofMinutes(2));
    assertThat(warnings).as("two attempts").isEmpty();
    assertThat(check.failure()).isNull();
    refuse(50, Duration.ofMinutes(1));
    assertThat(warnings).hasSize(1);
    assertThat(warnings.get(0))
        .startsWith("another node has the key of this node: peer " + PEER.shortText())
        .contains("stop one of them, remove its file p2p_key");
    assertThat(check.failure()).isEqualTo(warnings.get(0));
    clock.advance(KeyCopyCheck.SHOWN);
    assertThat(check.failure()).as("the other node has another key now").isNull();
  }

  /** Any peer that discovery finds can refuse all dials. */
  @Test
  void refusalsOfStrangersAreAProofWhenThreeOfThemRefuse() {
    for (int peer = 1; peer <= KeyCopyCheck.MIN_PEERS; peer++) {
      assertThat(warnings).isEmpty();
      for (int i = 0; i < KeyCopyCheck.MIN_REFUSALS; i++) {
        check.alreadyConnected(PeerManagerTest.node(peer), false, false);
        clock.advance(Duration.ofMinutes(1));
      }
    }
    assertThat(warnings).hasSize(1);
  }

  /** After a crash a peer keeps the old connection until it times out. */
  @Test
  void refusalsUntilADeadConnectionEndsAreNoEvidence() {
    refuse(100, Duration.ofSeconds(1));
    check.established(PEER);
    refuse(100, Duration.ofSeconds(1));
    assertThat(warnings).isEmpty();
  }

  private void replaced(int peer) {
    check.established(PeerManagerTest.node(peer));
    check.alreadyConnected(PeerManagerTest.node(peer), true, true);
  }

  @Test
  void connectionsThatSeveralPeersReplaceAreReported() {
    for (int i = 1; i <= KeyCopyCheck.MIN_PEERS; i++) {
      assertThat(warnings).isEmpty();
      replaced(i);
    }
    assertThat(warnings).hasSize(1);
  }

  @Test
  void connectionsThatOnePeerReplacesAreNoEvidence() {
    for (int i = 0; i < 100; i++) {
      replaced(1);
    }
    assertThat(warnings).isEmpty();
  }

  @Test
  void connectionsThatPeersReplaceNowAndThenAreNoEvidence() {
    for (int i = 1; i <= 50; i++) {
      replaced(i);
      clock.advance(KeyCopyCheck.WINDOW.dividedBy(2));
    }
    assertThat(warnings).isEmpty();
  }

  @Test
  void aNodeWithTheKeyOfThisNodeIsReported() throws Exception {
    InetSocketAddress remote = new InetSocketAddress(InetAddress.getByName("192.0.2.7"), 5);
    check.hasOwnKey(remote);
    check.hasOwnKey(remote);
    assertThat(warnings).hasSize(1);
    assertThat(warnings.get(0)).contains("it has connected from 192.0.2.7");
  }

  @Test
  void thePeersAreBounded() {
    for (int i = 2; i < 1_000; i++) {
      check.alreadyConnected(PeerManagerTest.node(i), false, true);
    }
    refuse(3, Duration.ofMinutes(1));
    assertThat(warnings).hasSize(1);
  }
}
