// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.p2p.devp2p;

import static org.assertj.core.api.Assertions.assertThat;

import dev.patchbay.api.p2p.DisconnectReason;
import dev.patchbay.p2p.devp2p.rlpx.NodeId;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import org.junit.jupiter.api.Test;

/** Which node is dialed when. */
class DialScheduleTest {
  private final TestClock clock = new TestClock();
  private final Set<NodeId> connected = new HashSet<>();
  private final DialSchedule schedule = new DialSchedule(clock);
  private int peersOfSubnet;

  private static NodeUrl url(int number) {
    return new NodeUrl(PeerManagerTest.node(number), "127.0.0.1", number, number);
  }

  private List<NodeUrl> due(int candidates) {
    return schedule.due(candidates, connected::contains, subnet -> peersOfSubnet);
  }

  private void fail(NodeUrl url) {
    schedule.failed(url.id(), false, DisconnectReason.TCP_ERROR);
  }

  /** Asserts that the next attempt comes after a time, and starts it. */
  private void assertNextAfter(NodeUrl url, Duration time) {
    assertThat(schedule.millisUntilDue()).isEqualTo(Math.min(60_000, time.toMillis() + 1));
    clock.advance(time.minusMillis(1));
    assertThat(due(0)).isEmpty();
    clock.advance(Duration.ofMillis(1));
    assertThat(due(0)).containsExactly(url);
  }

  @Test
  void aConfiguredNodeIsDialedAtOnceAndAgainAfter35Seconds() {
    assertThat(schedule.configure(url(1))).isTrue();
    assertThat(schedule.configure(url(1))).isFalse();
    assertThat(due(0)).containsExactly(url(1));
    assertThat(due(0)).isEmpty();
    fail(url(1));
    assertNextAfter(url(1), Duration.ofSeconds(35));
    fail(url(1));
    assertNextAfter(url(1), Duration.ofSeconds(35));
  }

  @Test
  void afterAnEstablishedConnectionAConfiguredNodeIsDialedSoon() {
    schedule.configure(url(1));
    due(0);
    schedule.succeeded(url(1).id());
    clock.advance(Duration.ofHours(1));
    schedule.disconnected(url(1).id(), true, true, DisconnectReason.CLIENT_QUITTING);
    for (int seconds : new int[] {1, 1, 2, 2, 4, 4, 8, 16, 32, 35, 35}) {
      assertNextAfter(url(1), Duration.ofSeconds(seconds));
      fail(url(1));
    }
    schedule.disconnected(url(1).id(), true, true, DisconnectReason.TCP_ERROR);
    assertNextAfter(url(1), Duration.ofSeconds(1));
  }

  /** Connects a configured node that was dialed, and ends the connection after a time. */
  private void connectFor(NodeUrl url, Duration time) {
    schedule.succeeded(url.id());
    schedule.connected(url.id());
    clock.advance(time);
    schedule.disconnected(url.id(), true, true, DisconnectReason.REQUESTED);
  }

  @Test
  void aConfiguredNodeThatEndsEachConnectionSoonIsNotDialedEachSecond() {
    schedule.configure(url(1));
    assertThat(due(0)).containsExactly(url(1));
    for (int i = 0; i < DialSchedule.MAX_SHORT_CONNECTIONS; i++) {
      connectFor(url(1), Duration.ofMillis(100));
      assertNextAfter(url(1), Duration.ofSeconds(1)); // a bundle may be replaced
    }
    for (int seconds : new int[] {1, 2, 2, 4, 4, 8, 16, 32}) {
      connectFor(url(1), Duration.ZERO);
      assertNextAfter(url(1), Duration.ofSeconds(seconds));
    }
    for (int i = 0; i < 3; i++) {
      connectFor(url(1), Duration.ZERO);
      assertNextAfter(url(1), DialSchedule.INTERVAL);
    }
    connectFor(url(1), DialSchedule.STABLE.minusMillis(1));
    assertThat(due(0)).as("the interval has passed").containsExactly(url(1));
    connectFor(url(1), DialSchedule.STABLE);
    assertNextAfter(url(1), Duration.ofSeconds(1));
  }

  @Test
  void aNodeThatIsFullIsDialedMuchLater() {
    schedule.configure(url(1));
    schedule.disconnected(url(1).id(), true, true, DisconnectReason.TOO_MANY_PEERS);
    assertNextAfter(url(1), Duration.ofMinutes(5));
    schedule.failed(url(1).id(), true, DisconnectReason.USELESS_PEER); // it may change
    assertNextAfter(url(1), Duration.ofSeconds(35));
    // this node being full says nothing of the other
    schedule.failed(url(1).id(), false, DisconnectReason.TOO_MANY_PEERS);
    assertNextAfter(url(1), Duration.ofSeconds(35));
  }

  @Test
  void aCandidateThatHasNoUseForThisNodeIsDialedMuchLater() {
    schedule.candidate(url(1));
    assertThat(due(1)).hasSize(1);
    schedule.failed(url(1).id(), true, DisconnectReason.USELESS_PEER);
    clock.advance(DialSchedule.LONG_INTERVAL.minusMillis(1));
    assertThat(due(1)).isEmpty();
    clock.advance(Duration.ofMillis(1));
    assertThat(due(1)).containsExactly(url(1));
  }

  @Test
  void aNodeThatIsConnectedIsNotDialed() {
    schedule.configure(url(1));
    connected.add(url(1).id());
    assertThat(due(0)).isEmpty();
    connected.clear();
    assertThat(due(0)).containsExactly(url(1));
  }

  @Test
  void candidatesAreDialedWhileThereIsRoom() {
    for (int i = 1; i <= 5; i++) {
      schedule.candidate(url(i));
    }
    schedule.candidate(new NodeUrl(PeerManagerTest.node(9), null, 0, 0)); // has no address
    assertThat(due(0)).isEmpty();
    assertThat(due(2)).hasSize(2);
    assertThat(due(2)).isEmpty(); // two are being dialed
    fail(url(1));
    assertThat(due(2)).containsExactly(url(3));
    schedule.succeeded(url(2).id());
    assertThat(due(1)).isEmpty();
    fail(url(3));
    assertThat(due(9)).containsExactly(url(4), url(5));
    clock.advance(Duration.ofSeconds(35));
    assertThat(due(9)).containsExactly(url(1), url(2), url(3));
  }

  /** Nodes that do not answer, each of which occupies a place for as long as a dial may take. */
  @Test
  void nodesThatAreNotReachedDoNotKeepOthersFromBeingDialed() {
    for (int i = 1; i <= 100; i++) {
      schedule.candidate(url(i));
    }
    schedule.candidate(url(101)); // the last one
    Set<NodeUrl> dialed = new HashSet<>();
    for (int round = 0; round < 7; round++) {
      List<NodeUrl> some = due(50);
      assertThat(some).hasSizeLessThanOrEqualTo(16);
      dialed.addAll(some);
      clock.advance(Duration.ofSeconds(15));
      some.forEach(this::fail);
    }
    assertThat(dialed).hasSize(101);
  }

  @Test
  void aCandidateThatIsNotReachedIsDialedLessAndLess() {
    schedule.candidate(url(1));
    for (int seconds : new int[] {35, 70, 140, 280, 560, 1_120, 1_800, 1_800}) {
      assertThat(due(1)).containsExactly(url(1));
      fail(url(1));
      clock.advance(Duration.ofSeconds(seconds).minusMillis(1));
      assertThat(due(1)).isEmpty();
      clock.advance(Duration.ofMillis(1));
    }
    due(1);
    schedule.succeeded(url(1).id());
    schedule.disconnected(url(1).id(), true, true, DisconnectReason.CLIENT_QUITTING);
    clock.advance(DialSchedule.MAX_INTERVAL);
    due(1);
    fail(url(1));
    clock.advance(DialSchedule.INTERVAL);
    assertThat(due(1)).containsExactly(url(1));
  }

  @Test
  void aCandidateWhosePlaceWasFreedIsDialedMuchLater() {
    schedule.candidate(url(1));
    due(1);
    schedule.succeeded(url(1).id());
    clock.advance(Duration.ofMinutes(10));
    schedule.disconnected(url(1).id(), true, false, DisconnectReason.TOO_MANY_PEERS);
    clock.advance(DialSchedule.LONG_INTERVAL.minusMillis(1));
    assertThat(due(1)).isEmpty();
    clock.advance(Duration.ofMillis(1));
    assertThat(due(1)).containsExactly(url(1));
  }

  @Test
  void aCandidateThatTheOperatorNamesIsDialedAtOnce() {
    schedule.candidate(url(1));
    due(1);
    schedule.failed(url(1).id(), true, DisconnectReason.TOO_MANY_PEERS);
    assertThat(due(1)).isEmpty();
    assertThat(schedule.configure(url(1))).isTrue();
    assertThat(due(0)).containsExactly(url(1));
  }

  @Test
  void atMost16NodesAreDialedAtATime() {
    for (int i = 1; i <= 20; i++) {
      schedule.configure(url(i));
    }
    assertThat(due(0)).hasSize(16);
    assertThat(due(0)).isEmpty();
    fail(url(1));
    assertThat(due(0)).containsExactly(url(17));
  }

  @Test
  void aNodeThatIsRemovedIsDialedNoLonger() {
    schedule.configure(url(1));
    assertThat(schedule.remove(url(1).id())).isTrue();
    assertThat(schedule.remove(url(1).id())).isFalse();
    assertThat(due(9)).isEmpty();
    schedule.disconnected(url(1).id(), true, true, DisconnectReason.REQUESTED);
    clock.advance(Duration.ofMinutes(10));
    assertThat(due(9)).isEmpty();
  }

  @Test
  void aSubProtocolThatIsReplacedCausesARedialAfterASecond() {
    schedule.candidate(url(1));
    due(1);
    schedule.succeeded(url(1).id());
    schedule.redial(url(1));
    clock.advance(Duration.ofMillis(999));
    assertThat(due(1)).isEmpty();
    clock.advance(Duration.ofMillis(1));
    assertThat(due(1)).containsExactly(url(1));
  }

  @Test
  void candidatesAreBounded() {
    schedule.configure(url(1));
    for (int i = 2; i <= 1_100; i++) {
      schedule.candidate(url(i));
    }
    due(0);
    fail(url(1));
    clock.advance(Duration.ofSeconds(35));
    int all = 0;
    for (List<NodeUrl> some = due(2_000); !some.isEmpty(); some = due(2_000)) {
      all += some.size();
      some.forEach(this::fail);
    }
    assertThat(all).isEqualTo(1_000);
  }

  /** A flood of new nodes does not take the turn of those that wait. */
  @Test
  void theNodeIsEvictedThatHasFailedMostOften() {
    for (int i = 1; i <= 1_000; i++) {
      schedule.candidate(url(i));
    }
    for (int times = 1; times <= 2; times++) {
      for (NodeUrl url : due(times)) { // the first node, then the second one and the third one
        fail(url);
      }
    }
    clock.advance(DialSchedule.INTERVAL.multipliedBy(2));
    assertThat(schedule.candidate(url(1_001))).isTrue();
    assertThat(schedule.candidate(url(1_002))).isTrue();
    assertThat(schedule.candidate(url(1_003))).isTrue();
    assertThat(schedule.candidate(url(1_004))).as("takes the place of the newest one").isTrue();
    assertThat(due(2)).as("have waited longest").containsExactly(url(4), url(5));
    assertThat(schedule.candidate(url(1))).as("evicted").isTrue();
    assertThat(schedule.candidate(url(1_004))).as("evicted by it").isTrue();
    assertThat(schedule.candidate(url(1_002))).as("still there").isFalse();
  }

  // ---- subnets

  private static NodeUrl url(int number, String host) {
    return new NodeUrl(PeerManagerTest.node(number), host, 30_303, 30_303);
  }

  /** Dials all that is due until nothing is, and returns which nodes these were. */
  private List<NodeUrl> dialAll() {
    List<NodeUrl> all = new ArrayList<>();
    for (List<NodeUrl> some = due(2_000); !some.isEmpty(); some = due(2_000)) {
      all.addAll(some);
      some.forEach(this::fail);
    }
    return all;
  }

  @Test
  void aSubnetHasTenOfTheCandidates() {
    List<NodeUrl> others = List.of(url(1, "1.1.1.1"), url(2, "1.1.2.1"), url(3, "2001:db8::1"));
    others.forEach(schedule::candidate);
    for (int i = 10; i < 2_010; i++) {
      schedule.candidate(url(i, "8.8.8." + i % 250));
    }
    List<NodeUrl> all = dialAll();
    assertThat(all).containsAll(others).hasSize(10 + others.size());
    NodeUrl next = url(3_000, "8.8.8.7");
    assertThat(schedule.candidate(next)).as("evicts one that has failed").isTrue();
    assertThat(dialAll()).containsExactly(next);
  }

  @Test
  void aCandidateDoesNotMoveIntoASubnetThatIsFull() {
    NodeUrl elsewhere = url(1, "1.1.1.1");
    schedule.candidate(elsewhere);
    for (int i = 2; i < 12; i++) {
      schedule.candidate(url(i, "8.8.8." + i));
    }
    schedule.candidate(url(1, "8.8.8.1"));
    schedule.candidate(url(2, "8.8.8.99"));
    assertThat(dialAll())
        .hasSize(11)
        .contains(elsewhere, url(2, "8.8.8.99"))
        .doesNotContain(url(1, "8.8.8.1"));
  }

  @Test
  void aCandidateOfASubnetThatIsFullIsNotDialed() {
    for (int i = 1; i <= 4; i++) {
      schedule.candidate(url(i, "8.8.8." + i));
    }
    schedule.configure(url(5, "8.8.8.5"));
    schedule.candidate(url(6, "192.168.0.6"));
    schedule.candidate(url(7, "192.168.0.7"));
    peersOfSubnet = 2;
    assertThat(due(9))
        .extracting(NodeUrl::host)
        .containsExactly("8.8.8.5", "192.168.0.6", "192.168.0.7");
    peersOfSubnet = 1;
    assertThat(due(9)).extracting(NodeUrl::host).containsExactly("8.8.8.1");
    assertThat(due(9)).as("one is being dialed").isEmpty();
    peersOfSubnet = 0;
    assertThat(due(9)).extracting(NodeUrl::host).containsExactly("8.8.8.2");
    fail(url(1, "8.8.8.1"));
    assertThat(due(9)).extracting(NodeUrl::host).containsExactly("8.8.8.3");
  }

  @Test
  void aNewAddressReplacesTheOldOne() {
    schedule.configure(url(1));
    NodeUrl moved = new NodeUrl(url(1).id(), "10.0.0.1", 5, 5);
    assertThat(schedule.configure(moved)).isFalse();
    assertThat(due(0)).containsExactly(moved);
  }
}
