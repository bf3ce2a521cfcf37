// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.p2p.devp2p;

import static org.assertj.core.api.Assertions.assertThat;

import dev.patchbay.api.p2p.DisconnectReason;
import dev.patchbay.p2p.devp2p.rlpx.NodeId;
import dev.patchbay.p2p.devp2p.rlpx.NodeKey;
import java.math.BigInteger;
import java.net.InetAddress;
import java.net.UnknownHostException;
import java.time.Duration;
import java.util.HashSet;
import java.util.List;
import java.util.Random;
import java.util.Set;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Who may be a peer. */
class PeerManagerTest {
  /** Nodes in the order of their ids. */
  private static final List<NodeId> NODES =
      IntStream.rangeClosed(1, 40).mapToObj(PeerManagerTest::node).sorted().toList();

  private static final NodeId SELF = NODES.get(20);

  private final TestClock clock = new TestClock();
  private final Set<NodeId> banned = new HashSet<>();
  private final PeerManager<Connection> peers = manager(9);

  private record Connection(NodeId id, boolean inbound, int number, InetAddress address)
      implements PeerManager.Connection {
    Connection(NodeId id, boolean inbound, int number) {
      this(id, inbound, number, InetAddress.getLoopbackAddress());
    }

    Connection at(String ip) {
      return new Connection(id, inbound, number, address(ip));
    }

    private static InetAddress address(String ip) {
      try {
        return InetAddress.getByName(ip);
      } catch (UnknownHostException malformed) {
        throw new IllegalArgumentException(malformed);
      }
    }
  }

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
    DisconnectReason refusal = peers.admit(connection);
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

  /** 32 inbound places: four for each address, also of an IPv6 /64. */
  @ParameterizedTest
  @CsvSource({"8.8.8.8, 8.8.8.8, 8.8.8.9", "2001:db8::1, 2001:db8:0:0:9::, 2001:db8:0:1::1"})
  void aSourceHasAnEighthOfTheInboundPlaces(String first, String sameSource, String other) {
    PeerManager<Connection> manager = manager(48);
    for (int i = 0; i < 4; i++) {
      assertThat(manager.admit(inbound(i).at(i == 0 ? first : sameSource))).isNull();
    }
    assertThat(manager.admit(inbound(4).at(first))).isEqualTo(DisconnectReason.TOO_MANY_PEERS);
    assertThat(manager.admit(inbound(5).at(other))).isNull();
    assertThat(manager.admit(dialed(6).at(first))).isNull();
    manager.trust(NODES.get(7));
    manager.configure(NODES.get(8));
    assertThat(manager.admit(inbound(7).at(first))).isNull();
    assertThat(manager.admit(inbound(8).at(first))).isNull();
    manager.remove(inbound(0).at(first));
    assertThat(manager.admit(inbound(9).at(first))).as("exempt nodes do not count").isNull();
    assertThat(manager.admit(inbound(10).at(first))).isEqualTo(DisconnectReason.TOO_MANY_PEERS);
  }

  @Test
  void aSourceHasTwoPlacesOfFew() {
    assertThat(refusal(inbound(0).at("8.8.8.8"))).isNull();
    assertThat(refusal(inbound(1).at("8.8.8.8"))).isNull();
    assertThat(refusal(inbound(2).at("8.8.8.8"))).isEqualTo(DisconnectReason.TOO_MANY_PEERS);
  }

  @Test
  void aSubnetHasTwoOfTheDialedPeers() {
    PeerManager<Connection> manager = manager(48);
    manager.configure(NODES.get(3));
    assertThat(manager.admit(dialed(0).at("8.8.8.1"))).isNull();
    assertThat(manager.admit(dialed(1).at("8.8.8.2"))).isNull();
    assertThat(manager.admit(dialed(2).at("8.8.8.3"))).isEqualTo(DisconnectReason.TOO_MANY_PEERS);
    assertThat(manager.admit(dialed(3).at("8.8.8.4"))).as("configured").isNull();
    assertThat(manager.admit(dialed(4).at("8.8.9.1"))).isNull();
    assertThat(manager.admit(inbound(5).at("8.8.8.5"))).isNull();
  }

  @ParameterizedTest
  @ValueSource(strings = {"127.0.0.1", "192.168.1.1", "10.1.1.1", "fd00::1"})
  void addressesOfTheLocalNetworkMayHaveAllPlaces(String local) {
    for (int i = 0; i < 6; i++) {
      assertThat(refusal(inbound(i).at(local))).isNull();
    }
    for (int i = 6; i < 9; i++) {
      assertThat(refusal(dialed(i).at(local))).isNull();
    }
  }

  @Test
  void aSingleStrangerMayConnectOrBeDialed() {
    PeerManager<Connection> one = manager(1);
    assertThat(one.admit(inbound(1))).isNull();
    assertThat(one.admit(inbound(2))).isEqualTo(DisconnectReason.TOO_MANY_PEERS);
    assertThat(manager(1).admit(dialed(1))).isNull();
    assertThat(manager(0).admit(dialed(1))).isEqualTo(DisconnectReason.TOO_MANY_PEERS);
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

  /** The connection to a configured node has ended, and a stranger has taken its place. */
  @Test
  void aConfiguredNodeTakesThePlaceOfTheNewestStranger() {
    peers.configure(NODES.get(30));
    peers.configure(NODES.get(31));
    peers.trust(NODES.get(32));
    for (int i = 0; i < 6; i++) {
      peers.admit(inbound(i));
      clock.advance(Duration.ofSeconds(1));
    }
    for (int i = 6; i < 9; i++) {
      peers.admit(dialed(i));
      clock.advance(Duration.ofSeconds(1));
    }
    peers.admit(inbound(32));
    assertThat(peers.takeDisplaced()).isEmpty();

    assertThat(refusal(dialed(30))).isNull();
    assertThat(peers.takeDisplaced()).containsExactly(dialed(8));
    assertThat(peers.takeDisplaced()).isEmpty();
    assertThat(refusal(inbound(8))).as("displaced").isEqualTo(DisconnectReason.TOO_MANY_PEERS);
    assertThat(refusal(inbound(31))).isNull();
    assertThat(peers.takeDisplaced()).containsExactly(dialed(7));
    assertThat(peers.remove(dialed(8))).isTrue();
    assertThat(peers.remove(dialed(7))).isTrue();
    assertThat(peers.freeDials()).isZero();
    assertThat(refusal(dialed(9))).isEqualTo(DisconnectReason.TOO_MANY_PEERS);
  }

  @Test
  void aPeerIsDisplacedOnce() {
    PeerManager<Connection> one = manager(1);
    one.configure(NODES.get(1));
    one.configure(NODES.get(2));
    assertThat(one.admit(inbound(3))).isNull();
    assertThat(one.admit(inbound(1))).isNull();
    assertThat(one.admit(inbound(2))).isEqualTo(DisconnectReason.TOO_MANY_PEERS);
    assertThat(one.takeDisplaced()).containsExactly(inbound(3));
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
    assertThat(peers.connections(NODES.get(3))).isEmpty();
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
    assertThat(peers.connections(NODES.get(1))).containsExactly(inbound(1));
  }

  @Test
  void ofTwoConnectionsThatCrossTheOneStaysThatTheLowerNodeHasDialed() {
    assertThat(refusal(dialed(1))).isNull(); // node 1 is lower than this node
    assertThat(refusal(inbound(1))).isNull();
    assertThat(refusal(dialed(1))).isEqualTo(DisconnectReason.ALREADY_CONNECTED);
    assertThat(refusal(inbound(1))).isEqualTo(DisconnectReason.ALREADY_CONNECTED);
    assertThat(peers.established(dialed(1))).as("the other one may be refused").isNull();
    assertThat(peers.established(inbound(1))).isEqualTo(dialed(1));
    assertThat(peers.remove(dialed(1))).as("the end of a peer").isFalse();
    assertThat(peers.connections(NODES.get(1))).containsExactly(inbound(1));
    assertThat(refusal(dialed(1))).isEqualTo(DisconnectReason.ALREADY_CONNECTED);
    assertThat(peers.remove(inbound(1))).isTrue();

    peers.admit(inbound(30)); // node 30 is higher
    peers.admit(dialed(30));
    assertThat(peers.established(dialed(30))).isEqualTo(inbound(30));
    assertThat(peers.established(inbound(30))).as("just before its end").isEqualTo(inbound(30));
    assertThat(peers.remove(inbound(30))).isFalse();
    assertThat(peers.connections()).containsExactly(dialed(30));
    assertThat(peers.established(inbound(30))).as("after its end").isNull();
  }

  /**
   * A node of geth admits one of two connections, refuses the other one, and sends Status on the
   * first only. Whatever the order of the events here, the one stays that geth has admitted.
   */
  @Test
  void theConnectionStaysThatAnotherClientHasAdmitted() {
    for (int node : new int[] {1, 30}) {
      for (boolean inboundFirst : new boolean[] {false, true}) {
        for (boolean keepsInbound : new boolean[] {false, true}) {
          for (boolean endFirst : new boolean[] {false, true}) {
            Connection first = inboundFirst ? inbound(node) : dialed(node);
            Connection second = inboundFirst ? dialed(node) : inbound(node);
            Connection kept = keepsInbound ? inbound(node) : dialed(node);
            Connection refused = keepsInbound ? dialed(node) : inbound(node);
            PeerManager<Connection> manager = manager(9);
            assertThat(manager.admit(first)).isNull();
            assertThat(manager.admit(second)).isNull();
            if (endFirst) {
              assertThat(manager.remove(refused)).isFalse();
            }
            assertThat(manager.established(kept)).isIn(null, refused);
            assertThat(manager.remove(refused)).isFalse();
            assertThat(manager.connections()).containsExactly(kept);
          }
        }
      }
    }
  }

  /** A node as it is seen by the other one: its connections, and what has been sent on each. */
  private static final class Side {
    final PeerManager<Connection> manager;
    final NodeId other;
    final Set<Integer> open = new HashSet<>(Set.of(1, 2));
    final Set<Integer> admitted = new HashSet<>();
    final Set<Integer> established = new HashSet<>();

    Side(PeerManager<Connection> manager, NodeId other) {
      this.manager = manager;
      this.other = other;
    }

    /** The node whose number a connection has, of 1 and 2, has dialed. */
    Connection connection(int number, int self) {
      return new Connection(other, number != self, number);
    }
  }

  /** Two nodes whose connections cross each other, with the events in any order. */
  @ParameterizedTest
  @ValueSource(booleans = {false, true})
  void bothNodesKeepTheSameOfTwoConnectionsInAnyOrder(boolean handshakes) {
    for (int seed = 0; seed < 5_000; seed++) {
      Random random = new Random(seed);
      NodeId low = NODES.get(1);
      NodeId high = NODES.get(2);
      NodeId[] ids = random.nextBoolean() ? new NodeId[] {low, high} : new NodeId[] {high, low};
      Side[] sides = {new Side(managerOf(ids[0]), ids[1]), new Side(managerOf(ids[1]), ids[0])};
      for (int i = 0; i < 200; i++) {
        int self = random.nextInt(2);
        step(sides[self], sides[1 - self], self + 1, 1 + random.nextInt(2), handshakes, random);
      }
      int lower = ids[0].equals(low) ? 1 : 2;
      assertThat(sides[0].open).as("seed %d", seed).containsExactly(lower);
      assertThat(sides[1].open).as("seed %d", seed).containsExactly(lower);
      assertThat(sides[0].established).contains(lower);
      assertThat(sides[1].established).contains(lower);
      assertThat(sides[0].manager.connections()).hasSize(1);
      assertThat(sides[1].manager.connections()).hasSize(1);
    }
  }

  private PeerManager<Connection> managerOf(NodeId self) {
    return new PeerManager<>(self, 9, clock, banned::contains);
  }

  /** What may happen next at a node on one of the two connections. */
  private static void step(
      Side own, Side other, int self, int number, boolean handshakes, Random random) {
    Connection connection = own.connection(number, self);
    if (!own.open.contains(number)) {
      return;
    }
    if (!other.open.contains(number) && random.nextBoolean()) {
      close(own, connection); // the other node has ended it
    } else if (!own.admitted.contains(number)) {
      if (own.manager.admit(connection) == null) {
        own.admitted.add(number);
      } else {
        close(own, connection);
      }
    } else if (!own.established.contains(number)
        && (!handshakes || other.admitted.contains(number))) {
      own.established.add(number);
      Connection ended = own.manager.established(connection);
      if (ended != null) {
        close(own, ended);
      }
    }
  }

  private static void close(Side side, Connection connection) {
    side.open.remove(connection.number());
    side.manager.remove(connection);
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
