// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.p2p.devp2p;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.patchbay.api.node.Health;
import dev.patchbay.api.p2p.DisconnectReason;
import dev.patchbay.api.p2p.PeerBreachException;
import dev.patchbay.api.p2p.PeerConnection;
import dev.patchbay.api.p2p.PeerInfo;
import dev.patchbay.p2p.devp2p.rlpx.FrameWriter;
import dev.patchbay.p2p.devp2p.rlpx.Handshake;
import dev.patchbay.p2p.devp2p.rlpx.NodeKey;
import dev.patchbay.primitives.Bytes;
import java.io.DataInputStream;
import java.io.IOException;
import java.net.Socket;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;

/** Networks of one process that connect to each other over the loopback interface. */
class DevP2pNetworkTest extends NetworkFixture {
  // ---- connections

  @Test
  void twoNetworksExchangeMessagesInBothDirections() {
    TestProtocol ofA = protocol();
    TestProtocol ofB = protocol();
    DevP2pNetwork a = start(5, ofA);
    DevP2pNetwork b = start(5, ofB);
    assertThat(a.addPeer(url(b))).isTrue();
    assertThat(a.addPeer(url(b))).isFalse();
    PeerConnection toB = next(ofA).peer();
    PeerConnection toA = next(ofB).peer();
    byte[] large = new byte[3 << 20];
    RANDOM.nextBytes(large);
    for (int i = 0; i < 3; i++) {
      assertThat(toB.send(0, Bytes.of(large))).isTrue();
      assertThat(toA.send(1, Bytes.of(new byte[] {(byte) i}))).isTrue();
    }
    for (int i = 0; i < 3; i++) {
      TestProtocol.Event atB = next(ofB);
      assertThat(atB.what()).isEqualTo("0");
      assertThat(atB.payload()).isEqualTo(Bytes.of(large));
      TestProtocol.Event atA = next(ofA);
      assertThat(atA.what()).isEqualTo("1");
      assertThat(atA.payload()).isEqualTo(Bytes.of(new byte[] {(byte) i}));
    }
    await(() -> a.peers().size() == 1 && b.peers().size() == 1);
    PeerInfo info = a.peers().get(0);
    assertThat(info.url()).isEqualTo(url(b));
    assertThat(info.configured()).isTrue();
    assertThat(info.inbound()).isFalse();
    assertThat(info.id().value()).isEqualTo(b.localNode().id());
    assertThat(info.clientId()).isEqualTo("Patchbay/test");
    assertThat(info.protocols()).containsEntry("test", Map.of("version", 1));
    assertThat(b.peers().get(0).inbound()).isTrue();
    assertThat(b.peers().get(0).configured()).isFalse();
    assertThat(a.pending()).isEmpty();
    assertThat(b.pending()).isEmpty();
    assertThat(a.health().status()).isEqualTo(Health.Status.HEALTHY);

    assertThat(a.removePeer(url(b))).isTrue();
    assertThat(next(ofB).what()).isEqualTo("disconnected");
    assertThat(next(ofA).what()).isEqualTo("disconnected");
    await(() -> counted(b, "received: disconnect requested"));
    await(() -> counted(a, "sent: disconnect requested"));
    assertThat(a.removePeer(url(b))).isFalse();
  }

  @Test
  void aSuccessorHasThePeersThatTheOperatorHasAdded() {
    DevP2pNetwork predecessor = start(5);
    String added = url(start(5));
    String banned = url(start(5));
    String removed = url(start(5));
    for (String url : List.of(added, banned, removed)) {
      assertThat(predecessor.addPeer(url)).isTrue();
      assertThat(predecessor.addTrustedPeer(url)).isTrue();
    }
    assertThat(predecessor.removeTrustedPeer(removed)).isTrue();
    predecessor.removePeer(removed);
    DevP2pNetwork successor = start(5);
    successor.ban(banned, Duration.ofMinutes(1));

    successor.restore(predecessor.changes());

    assertThat(successor.addTrustedPeer(added)).isFalse();
    assertThat(successor.addTrustedPeer(removed)).isTrue();
    assertThat(successor.bans()).hasSize(1);
    assertThat(successor.addPeer(added)).isFalse();
    assertThat(successor.addPeer(removed)).isTrue();
    assertThat(successor.addPeer(banned)).isFalse();
  }

  @Test
  void theReasonArrivesAlsoWhenThePeerIsStillSending() {
    TestProtocol ofA = protocol();
    TestProtocol ofB =
        new TestProtocol("test", 1, 2) {
          @Override
          void received(PeerConnection peer, int message, Bytes payload) {
            peer.disconnect(DisconnectReason.SUBPROTOCOL_ERROR, "a test");
          }
        };
    SessionSettings patient = times(SessionSettings.DEFAULT.encryption(), Duration.ofMinutes(1));
    DevP2pNetwork a = start(5, ofA);
    DevP2pNetwork b = start(NodeKey.random(RANDOM), 0, 5, patient, List.of(), ofB);
    a.addPeer(url(b));
    PeerConnection toB = next(ofA).peer();
    byte[] large = new byte[1 << 20];
    RANDOM.nextBytes(large);
    for (int i = 0; i < 16; i++) {
      toB.send(0, Bytes.of(large)); // more than the buffers of the connection
    }
    await(() -> !a.disconnects().isEmpty() && !b.disconnects().isEmpty());
    assertThat(a.disconnects()).containsExactly(Map.entry("received: subprotocol error", 1L));
    assertThat(b.disconnects()).containsExactly(Map.entry("sent: subprotocol error", 1L));
  }

  @Test
  void ofTwoDialsThatCrossOneConnectionStays() {
    DevP2pNetwork a = start(5, protocol());
    DevP2pNetwork b = start(5, protocol());
    for (int round = 0; round < 5; round++) {
      a.addPeer(url(b));
      b.addPeer(url(a));
      await(() -> haveOneConnection(a, b) && a.pending().isEmpty() && b.pending().isEmpty());
      a.removePeer(url(b));
      b.removePeer(url(a));
      await(() -> a.peers().isEmpty() && b.peers().isEmpty());
    }
    assertThat(a.disconnects().keySet())
        .allMatch(end -> end.endsWith("disconnect requested") || end.endsWith("already connected"));
  }

  private static boolean haveOneConnection(DevP2pNetwork a, DevP2pNetwork b) {
    List<PeerInfo> ofA = a.peers();
    List<PeerInfo> ofB = b.peers();
    return ofA.size() == 1
        && ofB.size() == 1
        && ofA.get(0).remote().equals(ofB.get(0).local())
        && ofA.get(0).local().equals(ofB.get(0).remote());
  }

  @Test
  void aConfiguredPeerIsDialedAgainAfterItsRestart() {
    TestProtocol ofA = protocol();
    TestProtocol ofB = protocol();
    NodeKey key = NodeKey.random(RANDOM);
    DevP2pNetwork a = start(5, ofA);
    DevP2pNetwork b = start(key, 0, 5, SessionSettings.DEFAULT, List.of(), ofB);
    String url = url(b);
    int port = b.localNode().tcpPort();
    a.addPeer(url);
    assertThat(next(ofA).what()).isEqualTo("connected");
    await(() -> a.peers().size() == 1);
    b.close();
    assertThat(next(ofA).what()).isEqualTo("disconnected");
    assertThat(a.disconnects()).containsEntry("received: client quitting", 1L);
    start(key, port, 5, SessionSettings.DEFAULT, List.of(), protocol());
    assertThat(next(ofA).what()).isEqualTo("connected");
  }

  @Test
  void aFullNetworkRefusesAllButTrustedPeers() {
    TestProtocol ofFull = protocol();
    DevP2pNetwork full = start(1, ofFull);
    DevP2pNetwork first = start(5, protocol());
    DevP2pNetwork second = start(5, protocol());
    first.addPeer(url(full));
    await(() -> full.peers().size() == 1);
    second.addPeer(url(full));
    await(() -> counted(second, "received: too many peers"));
    assertThat(full.peers()).hasSize(1);

    DevP2pNetwork trusted = start(5, protocol());
    assertThat(full.addTrustedPeer(url(trusted))).isTrue();
    assertThat(full.addTrustedPeer(url(trusted))).isFalse();
    trusted.addPeer(url(full));
    await(() -> full.peers().size() == 2);
    assertThat(full.peers()).anyMatch(PeerInfo::trusted);
    assertThat(full.removeTrustedPeer(url(trusted))).isTrue();
    assertThat(full.maxPeers()).isEqualTo(1);
  }

  @Test
  void aFullNetworkEndsAStrangerForAConfiguredPeer() {
    DevP2pNetwork full = start(1, protocol());
    DevP2pNetwork stranger = start(5, protocol());
    stranger.addPeer(url(full));
    await(() -> full.peers().size() == 1);
    DevP2pNetwork configured = start(5, protocol());
    full.addPeer(url(configured));
    await(() -> counted(stranger, "received: too many peers"));
    await(() -> full.peers().size() == 1 && full.peers().get(0).configured());
    assertThat(configured.peers()).hasSize(1);
  }

  @Test
  void aNodeWithAnotherIdIsNotConnected() {
    DevP2pNetwork a = start(5, protocol());
    DevP2pNetwork b = start(5, protocol());
    String wrong = url(b).replace(b.localNode().id(), NodeKey.random(RANDOM).id().toString());
    a.addPeer(wrong);
    await(() -> counted(b, "sent: breach of protocol"));
    await(() -> counted(a, "received: network error") && a.pending().isEmpty());
    assertThat(a.peers()).isEmpty();
    assertThat(b.peers()).isEmpty();
  }

  @Test
  void theNodeItselfIsNotDialed() {
    DevP2pNetwork a = start(5, protocol());
    assertThat(a.addPeer(url(a))).isFalse();
    assertThat(a.pending()).isEmpty();
  }

  @Test
  void aPeerThatIsBannedIsRefused() {
    TestProtocol ofA = protocol();
    DevP2pNetwork a = start(5, ofA);
    DevP2pNetwork b = start(5, protocol());
    a.addPeer(url(b));
    next(ofA);
    await(() -> a.peers().size() == 1 && b.peers().size() == 1);
    b.ban("enode://" + a.localNode().id(), Duration.ofHours(1), "a reason");
    assertThat(b.bans())
        .singleElement()
        .satisfies(
            ban -> {
              assertThat(ban.peer().value()).isEqualTo(a.localNode().id());
              assertThat(ban.url()).isEqualTo("enode://" + a.localNode().id());
              assertThat(ban.reason()).isEqualTo("a reason");
            });
    assertThat(next(ofA).what()).isEqualTo("disconnected");
    await(() -> counted(a, "received: useless peer")); // after it has dialed again
    assertThat(b.peers()).isEmpty();
    assertThat(b.discovered(NodeUrl.parse(url(a)))).as("banned").isFalse();
    assertThat(b.unban(url(a))).isTrue();
    assertThat(b.bans()).isEmpty();
    assertThat(b.unban(url(a))).isFalse();
    assertThat(b.addPeer(url(a))).isTrue();
    await(() -> a.peers().size() == 1 && b.peers().size() == 1);
    b.ban(url(a), Duration.ofHours(1));
    await(() -> b.peers().isEmpty());
    b.addPeer(url(a)); // the operator means it
    assertThat(b.unban(url(a))).as("the ban has ended").isFalse();
    await(() -> a.peers().size() == 1 && b.peers().size() == 1);
    assertThatThrownBy(() -> b.ban(url(a), Duration.ofDays(367)))
        .isInstanceOf(IllegalArgumentException.class);
    assertThatThrownBy(() -> b.ban("enode://1", Duration.ofDays(1)))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("enode://1");
  }

  /** A copied key: the peer keeps the connection of the first node. */
  @Test
  void aNodeWhoseKeyAnotherNodeHasReportsIt() {
    NodeKey key = NodeKey.random(RANDOM);
    DevP2pNetwork peer = start(5, protocol());
    DevP2pNetwork first = start(key, 0, 5, SessionSettings.DEFAULT, List.of(), protocol());
    first.addPeer(url(peer));
    await(() -> peer.peers().size() == 1);
    TestClock clock = new TestClock();
    DevP2pNetwork second =
        new DevP2pNetwork(
            key,
            DevP2pSettings.of(DevP2pSettingsTest.Values.of("127.0.0.1", 0, 5), Map.of()),
            SessionSettings.DEFAULT,
            "Patchbay/test",
            new BanList(null, clock, text -> {}),
            clock,
            RANDOM);
    networks.add(second);
    second.addProtocol(registration(1), protocol());
    second.start();
    second.addPeer(url(peer));
    for (long refusals = 1; refusals <= KeyCopyCheck.MIN_REFUSALS; refusals++) {
      assertThat(second.health().isWorking()).isTrue();
      assertThat(second.health().message()).doesNotContain("another node");
      clock.advance(KeyCopyCheck.MIN_TIME);
      second.unban(url(peer)); // wakes the dialer
      long expected = refusals;
      await(() -> second.disconnects().getOrDefault("received: already connected", 0L) == expected);
    }
    await(() -> second.health().message().contains("another node has the key of this node"));
    assertThat(first.peers()).hasSize(1);
  }

  /** Sends the first packet of a node with a key to the node that has it. */
  private Handshake.Initiator dialItself(NodeKey key, Socket socket) throws IOException {
    Handshake.Initiator initiator = new Handshake.Initiator(key, key.id(), RANDOM);
    socket.getOutputStream().write(initiator.auth());
    return initiator;
  }

  private static byte[] ack(Socket socket) throws IOException {
    DataInputStream in = new DataInputStream(socket.getInputStream());
    int bytes = in.readUnsignedShort();
    byte[] packet = new byte[2 + bytes];
    packet[0] = (byte) (bytes >>> 8);
    packet[1] = (byte) bytes;
    in.readFully(packet, 2, bytes);
    return packet;
  }

  /** Anyone can send the first packet in the name of a key, and only its owner Hello. */
  @Test
  void aNodeThatNamesTheKeyOfThisNodeIsReportedOnceItHasProvedIt() throws Exception {
    NodeKey key = NodeKey.random(RANDOM);
    TestProtocol own = protocol();
    DevP2pNetwork network = start(key, 0, 5, SessionSettings.DEFAULT, List.of(), own);
    try (Socket impostor = connect(network)) {
      dialItself(key, impostor);
      ack(impostor);
    }
    await(() -> network.disconnects().size() == 1 && network.pending().isEmpty());
    assertThat(network.health().message()).doesNotContain("another node");

    Socket copy = connect(network);
    Handshake.Initiator initiator = dialItself(key, copy);
    FrameWriter frames = new FrameWriter(initiator.complete(ack(copy)));
    byte[] hello = Hello.of("Peer/test", List.of(own.capability()), 0, key.id()).encode();
    copy.getOutputStream().write(frames.write(BaseMessages.frame(BaseMessages.HELLO, hello)));
    await(() -> network.health().message().contains("it has connected from 127.0.0.1"));
    assertThat(network.peers()).isEmpty();
  }

  @Test
  void nodesThatWereDiscoveredAreDialed() {
    TestProtocol ofA = protocol();
    DevP2pNetwork a = start(5, ofA);
    DevP2pNetwork b = start(5, protocol());
    assertThat(a.discovered(NodeUrl.parse(url(a)))).as("the node itself").isFalse();
    assertThat(a.discovered(NodeUrl.parse(url(b)))).isTrue();
    assertThat(a.discovered(NodeUrl.parse(url(b)))).as("known").isFalse();
    assertThat(next(ofA).peer().id().value()).isEqualTo(b.localNode().id());
    await(() -> a.peers().size() == 1);
    assertThat(a.peers().get(0).configured()).isFalse();
  }

  @Test
  void aNodeThatSaysHelloAndFailsItsHandshakesIsDialedLessAndLess() {
    DevP2pNetwork useless = start(5, protocol());
    TestProtocol ofA =
        new TestProtocol("test", 1, 2) {
          @Override
          void greet(PeerConnection peer) throws PeerBreachException {
            if (peer.id().value().equals(useless.localNode().id())) {
              throw new PeerBreachException(DisconnectReason.SUBPROTOCOL_ERROR, "another chain");
            }
            super.greet(peer);
          }
        };
    TestClock clock = new TestClock();
    DevP2pNetwork a =
        start(
            NodeKey.random(RANDOM),
            settings(0, 30, List.of()),
            SessionSettings.DEFAULT,
            clock,
            ofA);
    clock.advance(Duration.ofMinutes(1)); // the sub-protocols are in use
    a.discovered(NodeUrl.parse(url(useless)));
    awaitFailures(a, 1);
    clock.advance(DialSchedule.INTERVAL);
    discoverAnother(a);
    awaitFailures(a, 2);
    await(() -> ofA.events.size() == 3); // two attempts, and the other node
    ofA.events.clear();
    clock.advance(DialSchedule.INTERVAL);
    DevP2pNetwork second = discoverAnother(a);
    assertThat(next(ofA).peer().id().value()).isEqualTo(second.localNode().id());
    assertThat(ofA.events).as("no dial yet").isEmpty();
    awaitFailures(a, 2);
    clock.advance(DialSchedule.INTERVAL);
    discoverAnother(a);
    awaitFailures(a, 3);
  }

  private static void awaitFailures(DevP2pNetwork network, long count) {
    await(() -> network.pending().isEmpty() && !network.disconnects().isEmpty());
    await(() -> network.disconnects().getOrDefault("sent: subprotocol error", 0L) >= count);
    assertThat(network.disconnects()).containsExactly(Map.entry("sent: subprotocol error", count));
  }

  /** Starts a node that another one dials, as well as what else is due. */
  private DevP2pNetwork discoverAnother(DevP2pNetwork by) {
    DevP2pNetwork other = start(5, protocol());
    int before = by.peers().size();
    by.discovered(NodeUrl.parse(url(other)));
    await(() -> by.peers().size() == before + 1);
    return other;
  }

  // ---- sub-protocols

  @Test
  void aSubProtocolThatIsRemovedEndsItsSessionsAndTheNextOneIsDialedWith() {
    TestProtocol ofA = protocol();
    TestProtocol ofB = protocol();
    DevP2pNetwork a = start(5, ofA);
    DevP2pNetwork b = start(5, ofB);
    a.discovered(NodeUrl.parse(url(b)));
    assertThat(next(ofA).what()).isEqualTo("connected");
    await(() -> a.peers().size() == 1 && b.peers().size() == 1);

    TestProtocol replacement = protocol();
    a.addProtocol(registration(7), replacement); // bound before the old one is unbound
    a.removeProtocol(registration(0), ofA);
    assertThat(next(ofA).what()).isEqualTo("disconnected");
    assertThat(next(replacement).what()).isEqualTo("connected");
    assertThat(next(ofB).what()).isEqualTo("connected");
    assertThat(next(ofB).what()).isEqualTo("disconnected");
    assertThat(next(ofB).what()).isEqualTo("connected");
    assertThat(ofA.events).isEmpty();
  }

  @Test
  void aConfiguredPeerWhoseSubProtocolIsReplacedIsDialedUntilItIsBack() {
    TestProtocol ofA = protocol();
    TestProtocol ofB = protocol();
    DevP2pNetwork a = start(5, ofA);
    DevP2pNetwork b = start(5, ofB);
    a.addPeer(url(b));
    assertThat(next(ofA).what()).isEqualTo("connected");
    await(() -> a.peers().size() == 1 && b.peers().size() == 1);
    b.removeProtocol(registration(0), ofB);
    assertThat(next(ofA).what()).isEqualTo("disconnected");
    String end = "received: disconnect requested";
    await(() -> a.disconnects().getOrDefault(end, 0L) >= 2); // the second refuses a dial
    b.addProtocol(registration(1), ofB);
    assertThat(next(ofA).what()).isEqualTo("connected");
  }

  @Test
  void aSubProtocolThatIsAddedIsAgreedOnByANewConnection() {
    TestProtocol ofA = protocol();
    TestProtocol ofB = protocol();
    TestProtocol laterOfB = new TestProtocol("later", 1, 2);
    DevP2pNetwork a = start(5, ofA);
    DevP2pNetwork b = start(5, ofB, laterOfB);
    a.discovered(NodeUrl.parse(url(b)));
    assertThat(next(ofA).what()).isEqualTo("connected");
    await(() -> a.peers().size() == 1 && b.peers().size() == 1);

    TestProtocol first = new TestProtocol("later", 1, 2);
    a.addProtocol(registration(7), first);
    assertThat(next(ofA).what()).isEqualTo("disconnected");
    assertThat(next(ofA).what()).isEqualTo("connected");
    assertThat(next(first).what()).isEqualTo("connected");
    assertThat(next(laterOfB).what()).isEqualTo("connected");
    assertThat(a.disconnects()).isEqualTo(Map.of("sent: disconnect requested", 1L));
  }

  /** As a bundle does that starts: one service for each version. */
  @Test
  void versionsThatAreAddedTogetherCostOneConnection() {
    TestProtocol[] ofB = {
      new TestProtocol("test", 1, 2), new TestProtocol("test", 2, 2), new TestProtocol("test", 3, 2)
    };
    TestProtocol other = new TestProtocol("other", 1, 2);
    DevP2pNetwork b = start(5, ofB[0], ofB[1], ofB[2], other);
    DevP2pNetwork a = start(5, new TestProtocol("other", 1, 2));
    a.addPeer(url(b));
    assertThat(next(other).what()).isEqualTo("connected");
    await(() -> a.peers().size() == 1);
    TestProtocol[] ofA = {
      new TestProtocol("test", 1, 2), new TestProtocol("test", 2, 2), new TestProtocol("test", 3, 2)
    };
    for (int i = 0; i < ofA.length; i++) {
      a.addProtocol(registration(i + 1), ofA[i]);
    }
    assertThat(next(ofA[2]).what()).isEqualTo("connected");
    assertThat(ofA[0].events).isEmpty();
    assertThat(ofA[1].events).isEmpty();
    assertThat(a.disconnects()).isEqualTo(Map.of("sent: disconnect requested", 1L));
  }

  @Test
  void aSubProtocolThatNoPeerSpeaksDisturbsNone() {
    TestProtocol ofA = protocol();
    DevP2pNetwork a = start(5, ofA);
    DevP2pNetwork b = start(5, protocol());
    a.addPeer(url(b));
    assertThat(next(ofA).what()).isEqualTo("connected");
    a.addProtocol(registration(7), new TestProtocol("unknown", 1, 2));
    a.addProtocol(registration(8), new TestProtocol("none", 1, 0)); // refused
    a.addProtocol(registration(9), new TestProtocol("many", 1, 257));
    DevP2pNetwork c = start(5, protocol());
    a.addPeer(url(c)); // dialed when all are settled
    assertThat(next(ofA).what()).isEqualTo("connected");
    await(() -> a.peers().size() == 2);
    assertThat(a.disconnects()).isEmpty();
  }

  @Test
  void withoutASubProtocolNothingIsDialed() {
    TestProtocol ofB = protocol();
    DevP2pNetwork a = start(5);
    DevP2pNetwork b = start(5, ofB);
    a.addPeer(url(b));
    assertThat(a.pending()).isEmpty();
    TestProtocol ofA = protocol();
    a.addProtocol(registration(0), ofA);
    assertThat(next(ofA).what()).isEqualTo("connected");
  }

  @Test
  void nodesWithoutACommonSubProtocolAreNoPeers() {
    DevP2pNetwork a = start(5, protocol());
    DevP2pNetwork b = start(5, new TestProtocol("test", 2, 2));
    a.addPeer(url(b));
    await(() -> counted(a, "sent: useless peer") || counted(a, "received: useless peer"));
    assertThat(a.peers()).isEmpty();
  }

  @Test
  void aPeerWhoseHandlerIsBusyDoesNotHoldUpOthers() throws InterruptedException {
    CountDownLatch busy = new CountDownLatch(1);
    CountDownLatch done = new CountDownLatch(1);
    TestProtocol ofB =
        new TestProtocol("test", 1, 2) {
          @Override
          void received(PeerConnection peer, int message, Bytes payload) {
            if (message == 1) {
              busy.countDown();
              try {
                done.await();
              } catch (InterruptedException interrupted) {
                Thread.currentThread().interrupt();
              }
            }
          }
        };
    DevP2pNetwork b = start(9, ofB);
    TestProtocol ofA = protocol();
    start(5, ofA).addPeer(url(b));
    next(ofA).peer().send(1, Bytes.EMPTY);
    assertThat(busy.await(LIMIT_SECONDS, TimeUnit.SECONDS)).isTrue();
    TestProtocol ofC = protocol();
    start(5, ofC).addPeer(url(b));
    next(ofC).peer().send(0, Bytes.EMPTY);
    String what;
    do {
      what = next(ofB).what();
    } while (!what.equals("0"));
    done.countDown();
  }

  // ---- the listener

  @Test
  void aPortThatIsTakenIsReportedAndTheNodeDials() {
    DevP2pNetwork b = start(5, protocol());
    TestProtocol ofA = protocol();
    DevP2pNetwork a =
        start(
            NodeKey.random(RANDOM),
            b.localNode().tcpPort(),
            5,
            SessionSettings.DEFAULT,
            List.of(),
            ofA);
    assertThat(a.isListening()).isFalse();
    assertThat(a.localNode().tcpPort()).isZero();
    assertThat(a.localNode().url())
        .as("an address that none can dial is not shown")
        .isEqualTo("enode://" + a.localNode().id());
    assertThat(a.health().status()).isEqualTo(Health.Status.DEGRADED);
    assertThat(a.health().message())
        .contains("port " + b.localNode().tcpPort())
        .contains("dev.patchbay.p2p.devp2p");
    a.addPeer(url(b));
    assertThat(next(ofA).what()).isEqualTo("connected");
  }

  @Test
  void aConnectionThatSendsNothingIsClosed() throws IOException {
    SessionSettings times = SessionSettings.DEFAULT;
    DevP2pNetwork a =
        start(
            NodeKey.random(RANDOM),
            0,
            5,
            times(Duration.ofMillis(200), SessionSettings.DEFAULT.disconnect()),
            List.of(),
            protocol());
    Socket silent = connect(a);
    assertThat(silent.getInputStream().read()).isEqualTo(-1);
    await(() -> counted(a, "sent: read timeout") && a.pending().isEmpty());
  }

  @Test
  void atMost50ConnectionsMayBeInHandshakes() throws IOException {
    DevP2pNetwork a = start(5, protocol());
    for (int i = 0; i < InboundLimiter.MAX_PENDING; i++) {
      connect(a);
    }
    await(() -> a.pending().size() == InboundLimiter.MAX_PENDING);
    assertThat(connect(a).getInputStream().read()).isEqualTo(-1);
    sockets.get(0).close();
    await(() -> a.pending().size() == InboundLimiter.MAX_PENDING - 1);
  }

  @Test
  void addressesOutsideTheNetworksAreNeitherAcceptedNorDialed() throws IOException {
    DevP2pNetwork b = start(5, protocol());
    DevP2pNetwork a =
        start(
            NodeKey.random(RANDOM),
            0,
            5,
            SessionSettings.DEFAULT,
            List.of("10.0.0.0/8"),
            protocol());
    assertThat(connect(a).getInputStream().read()).isEqualTo(-1);
    a.addPeer(url(b));
    await(() -> a.pending().isEmpty());
    assertThat(b.pending()).isEmpty();
    assertThat(b.disconnects()).isEmpty();
  }

  @Test
  void aNameIsLookedUpWhenItIsDialed() {
    TestProtocol ofA = protocol();
    DevP2pNetwork a = start(5, ofA);
    DevP2pNetwork b = start(5, protocol());
    a.addPeer(url(b).replace("127.0.0.1", "localhost"));
    assertThat(next(ofA).what()).isEqualTo("connected");
    assertThatThrownBy(() -> a.addPeer("enode://" + b.localNode().id()))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("no address");
  }
}
