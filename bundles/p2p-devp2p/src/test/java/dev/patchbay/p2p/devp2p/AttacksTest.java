// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.p2p.devp2p;

import static org.assertj.core.api.Assertions.assertThat;

import dev.patchbay.api.p2p.PeerConnection;
import dev.patchbay.p2p.devp2p.rlpx.NodeKey;
import dev.patchbay.primitives.Bytes;
import java.io.IOException;
import java.net.Socket;
import java.time.Duration;
import java.util.List;
import java.util.Random;
import java.util.concurrent.CountDownLatch;
import org.junit.jupiter.api.Test;

/** Hostile connections to a network that has an honest peer, which does not notice them. */
class AttacksTest extends NetworkFixture {
  private static final Duration SHORT = Duration.ofMillis(300);

  private final TestProtocol ofVictim = protocol();
  private final DevP2pNetwork victim =
      start(
          NodeKey.random(RANDOM),
          0,
          9,
          times(SHORT, SessionSettings.DEFAULT.disconnect()),
          List.of(),
          ofVictim);
  private final TestProtocol ofHonest = protocol();
  private final PeerConnection honest = connectHonestPeer();

  private PeerConnection connectHonestPeer() {
    start(5, ofHonest).addPeer(url(victim));
    assertThat(next(ofVictim).what()).isEqualTo("connected");
    return next(ofHonest).peer();
  }

  private void assertThatTheHonestPeerIsServed() {
    honest.send(1, Bytes.EMPTY);
    assertThat(next(ofVictim).what()).isEqualTo("1");
  }

  private void assertThatANewPeerGetsIn() {
    await(() -> victim.pending().isEmpty());
    TestProtocol ofNew = protocol();
    start(5, ofNew).addPeer(url(victim));
    assertThat(next(ofNew).what()).isEqualTo("connected");
    assertThat(next(ofVictim).what()).isEqualTo("connected");
  }

  @Test
  void tenThousandConnections() throws IOException {
    int most = 0;
    for (int i = 0; i < 10_000; i++) {
      Socket socket = new Socket();
      sockets.add(socket);
      socket.connect(address(victim));
      if (sockets.size() > 200) { // of this process, which has a limit of its own
        sockets.remove(0).close();
      }
      if (i % 1_000 == 0) {
        most = Math.max(most, victim.pending().size());
        assertThatTheHonestPeerIsServed();
      }
    }
    assertThat(most).isLessThanOrEqualTo(InboundLimiter.MAX_PENDING);
    assertThat(victim.peers()).hasSize(1);
    assertThatTheHonestPeerIsServed();
    assertThatANewPeerGetsIn();
  }

  @Test
  void handshakesOfGarbage() throws IOException {
    Random random = new Random(1);
    for (int i = 0; i < 200; i++) {
      byte[] garbage = new byte[2 + random.nextInt(3_000)];
      random.nextBytes(garbage);
      if (i % 2 == 0) { // the size of a handshake
        garbage[0] = (byte) random.nextInt(8);
      }
      try (Socket socket = connect(victim)) {
        socket.getOutputStream().write(garbage);
        socket.shutdownOutput();
      } catch (IOException closed) {
        // that is what it is for
      }
    }
    assertThatTheHonestPeerIsServed();
    assertThatANewPeerGetsIn();
    await(() -> victim.peers().size() == 2);
  }

  @Test
  void aHandshakeByteByByteHasADeadlineInTotal() throws IOException {
    long start = System.nanoTime();
    long bytes = 0;
    try (Socket slow = connect(victim)) {
      slow.setSoTimeout(20);
      slow.getOutputStream().write(new byte[] {1, (byte) 0xb0});
      while (isOpen(slow)) { // waits for 20 ms
        slow.getOutputStream().write(4);
        bytes++;
      }
    } catch (IOException closed) {
      // that is what it is for
    }
    assertThat(Duration.ofNanos(System.nanoTime() - start)).isGreaterThanOrEqualTo(SHORT);
    assertThat(bytes).as("the packet is not complete").isLessThan(0x1b0);
    await(() -> counted(victim, "sent: read timeout"));
    assertThatTheHonestPeerIsServed();
  }

  private static boolean isOpen(Socket socket) throws IOException {
    try {
      return socket.getInputStream().read() >= 0;
    } catch (java.net.SocketTimeoutException silent) {
      return true;
    }
  }

  @Test
  void handlersThatBlockDoNotHoldUpOtherPeers() {
    CountDownLatch done = new CountDownLatch(1);
    TestProtocol blocking =
        new TestProtocol("test", 1, 2) {
          @Override
          void received(PeerConnection peer, int message, Bytes payload) {
            if (message == 0) {
              try {
                done.await();
              } catch (InterruptedException interrupted) {
                Thread.currentThread().interrupt();
              }
            }
          }
        };
    DevP2pNetwork node = start(30, blocking);
    int blocked = 2 * Math.max(4, Runtime.getRuntime().availableProcessors());
    for (int i = 0; i < blocked; i++) {
      TestProtocol hostile = protocol();
      start(5, hostile).addPeer(url(node));
      next(hostile).peer().send(0, Bytes.EMPTY);
    }
    TestProtocol honestProtocol = protocol();
    start(5, honestProtocol).addPeer(url(node));
    next(honestProtocol).peer().send(1, Bytes.EMPTY);
    String what;
    do {
      what = next(blocking).what();
    } while (!what.equals("1"));
    done.countDown();
  }
}
