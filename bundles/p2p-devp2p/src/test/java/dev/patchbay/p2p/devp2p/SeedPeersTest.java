// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.p2p.devp2p;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.patchbay.api.p2p.DisconnectReason;
import dev.patchbay.api.p2p.PeerConnection;
import dev.patchbay.api.p2p.PeerEvent;
import dev.patchbay.api.p2p.PeerEvent.PeerConnected;
import dev.patchbay.api.p2p.PeerEvent.PeerDisconnected;
import dev.patchbay.api.p2p.PeerEvents;
import dev.patchbay.api.p2p.PeerId;
import dev.patchbay.p2p.devp2p.rlpx.NodeKey;
import dev.patchbay.primitives.Bytes;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.List;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Supplier;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Sections 1, 2, 7, 8 and 10 of the seed, as far as the network is concerned. */
class SeedPeersTest extends NetworkFixture {
  private static final String SEED_KEY =
      "dc5ef21e7897d317d57cf5336f8be8d75123a8f075196ccec3c8693030fc20c0";
  private static final String SEED_ENODE =
      "enode://c6ecdf9e2d5c7838b2787f71e533e0f97ed4d6dde57286884e16683603c4266b"
          + "b800c67b4bc40cf68c44e0d750b1238306e16af0e16edc80dd24430eaf3d1253"
          + "@15.235.230.59:30303";

  @TempDir Path folder;

  /** Records the events of connections. */
  private static final class Recorder implements PeerEvents {
    final BlockingQueue<PeerEvent> seen = new LinkedBlockingQueue<>();
    final AtomicInteger count = new AtomicInteger();

    @Override
    public void connected(PeerConnected event) {
      count.incrementAndGet();
      seen.add(event);
    }

    @Override
    public void disconnected(PeerDisconnected event) {
      seen.add(event);
    }

    @Override
    public <E extends PeerEvent> void publish(
        Class<E> type, PeerId peer, long bytes, Supplier<? extends E> event) {
      throw new AssertionError("of a sub-protocol");
    }

    <E extends PeerEvent> E next(Class<E> type) throws InterruptedException {
      PeerEvent event = seen.poll(LIMIT_SECONDS, TimeUnit.SECONDS);
      assertThat(event).isInstanceOf(type);
      return type.cast(event);
    }
  }

  private Path keyFile() {
    return folder.resolve("p2p_key");
  }

  @Test
  void secretKeyIsMadeWithMode0600AndLoadedAgain() throws IOException {
    NodeKey made = NodeKey.loadOrCreate(keyFile(), RANDOM);
    assertThat(PosixFilePermissions.toString(Files.getPosixFilePermissions(keyFile())))
        .isEqualTo("rw-------");
    assertThat(Files.readString(keyFile()).strip()).matches("[0-9a-f]{64}");
    assertThat(NodeKey.loadOrCreate(keyFile(), RANDOM).id()).isEqualTo(made.id());
  }

  @Test
  void secretKeyOfTheSeedHasTheEnodeOfTheSeed() throws IOException {
    Files.writeString(keyFile(), SEED_KEY);
    NodeKey key = NodeKey.loadOrCreate(keyFile(), RANDOM);
    NodeUrl url = NodeUrl.parse(SEED_ENODE);
    assertThat(key.id()).isEqualTo(url.id());
    assertThat(url.host()).isEqualTo("15.235.230.59");
    assertThat(url.tcpPort()).isEqualTo(30_303);
    assertThat(new NodeUrl(key.id(), "15.235.230.59", 30_303, 30_303)).hasToString(SEED_ENODE);
  }

  @Test
  void secretKeyThatIsMalformedStopsTheStart() throws IOException {
    Files.writeString(keyFile(), SEED_KEY.substring(1));
    assertThatThrownBy(() -> NodeKey.loadOrCreate(keyFile(), RANDOM))
        .isInstanceOf(IOException.class)
        .hasMessageContaining(keyFile().toString());
    assertThat(keyFile()).hasContent(SEED_KEY.substring(1)); // another key is another identity
  }

  @Test
  void bootNodesAreDialedWithDiscoveryOff() {
    TestProtocol ofBoot = protocol();
    DevP2pNetwork boot = start(5, ofBoot);
    DevP2pNetwork node =
        start(
            NodeKey.random(RANDOM),
            new DevP2pSettings(
                "127.0.0.1",
                DevP2pSettings.NO_PORT,
                5,
                List.of(),
                List.of(),
                List.of(NodeUrl.parse(url(boot))),
                new NetRestrict(List.of())),
            SessionSettings.DEFAULT,
            protocol());
    assertThat(next(ofBoot).peer().id().value()).isEqualTo(node.localNode().id());
    await(() -> node.peers().size() == 1 && boot.peers().size() == 1);
  }

  @Test
  void maxPeersAndListenPort() {
    DevP2pNetwork full = start(1, protocol());
    assertThat(full.localNode().tcpPort()).isPositive();
    assertThat(full.isListening()).isTrue();
    start(5, protocol()).addPeer(url(full));
    await(() -> full.peers().size() == 1);
    DevP2pNetwork late = start(5, protocol());
    late.addPeer(url(full));
    await(() -> counted(late, "received: too many peers"));
    assertThat(full.peers()).hasSize(1);
  }

  @Test
  void pendingConnectionsAreNeverCountedAsPeers() throws IOException {
    TestProtocol silent =
        new TestProtocol("test", 1, 2) {
          @Override
          void greet(PeerConnection peer) {} // its Status never comes
        };
    Recorder events = new Recorder();
    DevP2pNetwork a = start(9, silent);
    a.setEvents(events);
    for (int i = 0; i < 3; i++) {
      connect(a);
    }
    start(5, protocol()).addPeer(url(a));
    assertThat(next(silent).what()).isEqualTo("connected");
    await(() -> a.pending().size() >= 3);
    assertThat(a.peers()).isEmpty();
    assertThat(events.seen).isEmpty();
  }

  @Test
  void peerConnectedAndPeerDisconnectedInBothDirections() throws InterruptedException {
    Recorder ofA = new Recorder();
    Recorder ofB = new Recorder();
    DevP2pNetwork a = start(5, protocol());
    DevP2pNetwork b = start(5, protocol());
    a.setEvents(ofA);
    b.setEvents(ofB);
    a.addPeer(url(b));
    PeerConnected atA = ofA.next(PeerConnected.class);
    PeerConnected atB = ofB.next(PeerConnected.class);
    assertThat(atA.peer()).isEqualTo(new PeerId("devp2p", b.localNode().id()));
    assertThat(atA.address().getPort()).isEqualTo(b.localNode().tcpPort());
    assertThat(atB.peer()).isEqualTo(new PeerId("devp2p", a.localNode().id()));
    assertThat(atB.address().getAddress().isLoopbackAddress()).isTrue();

    Recorder successor = new Recorder(); // gets the peers that are connected
    a.setEvents(successor);
    a.unsetEvents(ofA);
    assertThat(successor.next(PeerConnected.class)).isEqualTo(atA);

    a.removePeer(url(b));
    assertThat(successor.next(PeerDisconnected.class))
        .isEqualTo(
            new PeerDisconnected(atA.peer(), atA.address(), DisconnectReason.REQUESTED, false));
    assertThat(ofB.next(PeerDisconnected.class))
        .isEqualTo(
            new PeerDisconnected(atB.peer(), atB.address(), DisconnectReason.REQUESTED, true));
    assertThat(ofA.seen).isEmpty();
  }

  @Test
  void peerConnectedComesBeforeWhatTheSubProtocolDoesNext() throws InterruptedException {
    Recorder recorder = new Recorder();
    TestProtocol publishing =
        new TestProtocol("test", 1, 2) {
          @Override
          void received(PeerConnection peer, int message, Bytes payload) {
            boolean isKnown = recorder.count.get() == 1;
            peer.disconnect(
                isKnown ? DisconnectReason.USELESS_PEER : DisconnectReason.SUBPROTOCOL_ERROR,
                "a test");
          }
        };
    DevP2pNetwork a = start(5, publishing);
    a.setEvents(recorder);
    TestProtocol sending =
        new TestProtocol("test", 1, 2) {
          @Override
          void greet(PeerConnection peer) {
            peer.established();
            peer.send(1, Bytes.EMPTY);
          }
        };
    start(5, sending).addPeer(url(a));
    recorder.next(PeerConnected.class);
    assertThat(recorder.next(PeerDisconnected.class).reason())
        .isEqualTo(DisconnectReason.USELESS_PEER);
  }
}
