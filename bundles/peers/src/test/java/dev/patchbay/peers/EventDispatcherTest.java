// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.peers;

import static org.assertj.core.api.Assertions.assertThat;

import dev.patchbay.api.p2p.DisconnectReason;
import dev.patchbay.api.p2p.PeerEvent;
import dev.patchbay.api.p2p.PeerEvent.NewBlockHash;
import dev.patchbay.api.p2p.PeerEvent.PeerConnected;
import dev.patchbay.api.p2p.PeerEvent.PeerDisconnected;
import dev.patchbay.api.p2p.PeerId;
import dev.patchbay.api.p2p.PeerListener;
import dev.patchbay.primitives.Hash;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.util.List;
import java.util.Set;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

class EventDispatcherTest {
  private static final long LIMIT_SECONDS = 60;
  private static final PeerId A = new PeerId("devp2p", "a");
  private static final PeerId B = new PeerId("devp2p", "b");
  private static final PeerId OTHER = new PeerId("other", "c");

  private final EventDispatcher events = new EventDispatcher(4_000_000);

  @AfterEach
  void close() {
    events.close();
    assertThat(Thread.getAllStackTraces().keySet())
        .extracting(Thread::getName)
        .noneMatch(name -> name.startsWith("peers-events-"));
  }

  private static class Recorder implements PeerListener {
    final BlockingQueue<Object> seen = new LinkedBlockingQueue<>();
    private final Set<Class<? extends PeerEvent>> types;

    Recorder(Set<Class<? extends PeerEvent>> types) {
      this.types = types;
    }

    Recorder() {
      this(Set.of(PeerConnected.class, PeerDisconnected.class, NewBlockHash.class));
    }

    @Override
    public Set<Class<? extends PeerEvent>> events() {
      return types;
    }

    @Override
    public void peerEvent(PeerEvent event) {
      seen.add(event);
    }

    @Override
    public void eventsLost(long count) {
      seen.add(count);
    }

    Object next() throws InterruptedException {
      Object next = seen.poll(LIMIT_SECONDS, TimeUnit.SECONDS);
      assertThat(next).as("an event").isNotNull();
      return next;
    }
  }

  /** A listener whose first call lasts until the test ends it. */
  private static final class Slow extends Recorder {
    final CountDownLatch busy = new CountDownLatch(1);
    final CountDownLatch go = new CountDownLatch(1);

    @Override
    public void peerEvent(PeerEvent event) {
      busy.countDown();
      try {
        go.await();
      } catch (InterruptedException interrupted) {
        Thread.currentThread().interrupt();
      }
      super.peerEvent(event);
    }
  }

  private static InetSocketAddress address(int port) {
    return new InetSocketAddress(InetAddress.getLoopbackAddress(), port);
  }

  private static PeerConnected connected(PeerId peer, int port) {
    return new PeerConnected(peer, address(port));
  }

  private static PeerDisconnected disconnected(PeerId peer, int port) {
    return new PeerDisconnected(peer, address(port), DisconnectReason.REQUESTED, true);
  }

  private static NewBlockHash block(PeerId peer, long number) {
    return new NewBlockHash(peer, Hash.ZERO, number);
  }

  private void publish(PeerId peer, long number, long bytes) {
    events.publish(NewBlockHash.class, peer, bytes, () -> block(peer, number));
  }

  @Test
  void eventsOfAPeerComeInOrderBetweenItsConnectionAndItsEnd() throws InterruptedException {
    Recorder recorder = new Recorder();
    events.add(recorder);
    publish(A, 1, 0); // not connected
    events.connected(connected(A, 1));
    for (int i = 2; i < 500; i++) {
      publish(A, i, 0);
    }
    events.disconnected(disconnected(A, 1));
    publish(A, 500, 0);
    events.disconnected(disconnected(A, 1));
    events.connected(connected(B, 2));
    assertThat(recorder.next()).isEqualTo(connected(A, 1));
    for (int i = 2; i < 500; i++) {
      assertThat(recorder.next()).isEqualTo(block(A, i));
    }
    assertThat(recorder.next()).isEqualTo(disconnected(A, 1));
    assertThat(recorder.next()).isEqualTo(connected(B, 2));
    assertThat(recorder.seen).isEmpty();
  }

  @Test
  void aNewListenerGetsThePeersThatAreConnected() throws InterruptedException {
    events.connected(connected(A, 1));
    events.connected(connected(B, 2));
    events.disconnected(disconnected(A, 1));
    Recorder recorder = new Recorder();
    events.add(recorder);
    assertThat(recorder.next()).isEqualTo(connected(B, 2));
    events.remove(recorder);
    events.disconnected(disconnected(B, 2));
    assertThat(recorder.seen).isEmpty();
  }

  @Test
  void twoConnectionsOfAPeerAreOne() throws InterruptedException {
    Recorder recorder = new Recorder();
    events.add(recorder);
    events.connected(connected(A, 1));
    events.connected(connected(A, 1)); // published again for a new service
    events.connected(connected(A, 2)); // both sides have dialed
    events.disconnected(disconnected(A, 1));
    publish(A, 5, 0);
    events.disconnected(disconnected(A, 2));
    assertThat(recorder.next()).isEqualTo(connected(A, 1));
    assertThat(recorder.next()).isEqualTo(block(A, 5));
    assertThat(recorder.next()).isEqualTo(disconnected(A, 2));
    assertThat(recorder.seen).isEmpty();
  }

  @Test
  void thePeersOfANetworkThatIsRemovedAreDisconnected() throws InterruptedException {
    Recorder recorder = new Recorder(Set.of(PeerDisconnected.class));
    events.add(recorder);
    events.connected(connected(A, 1));
    events.connected(connected(OTHER, 2));
    events.removeNetwork("devp2p");
    assertThat(recorder.next())
        .isEqualTo(new PeerDisconnected(A, address(1), DisconnectReason.CLIENT_QUITTING, false));
    events.disconnected(disconnected(OTHER, 2));
    assertThat(recorder.next()).isEqualTo(disconnected(OTHER, 2));
  }

  @Test
  void anEventThatNoListenerWantsIsNotMade() {
    events.connected(connected(A, 1));
    events.add(new Recorder(Set.of(PeerConnected.class)));
    events.publish(
        NewBlockHash.class,
        A,
        0,
        () -> {
          throw new AssertionError("made");
        });
  }

  @Test
  void aSlowListenerLosesEventsAndGetsTheirNumberAndDelaysNoOther() throws InterruptedException {
    Slow slow = new Slow();
    Recorder fast = new Recorder();
    events.add(slow);
    events.add(fast);
    events.connected(connected(A, 1));
    events.connected(connected(B, 2));
    assertThat(slow.busy.await(LIMIT_SECONDS, TimeUnit.SECONDS)).isTrue();
    assertThat(fast.next()).isEqualTo(connected(A, 1));
    assertThat(fast.next()).isEqualTo(connected(B, 2));
    int sent = EventQueue.MAX_EVENTS_PER_PEER + 100;
    for (int i = 0; i < sent; i++) {
      publish(A, i, 0);
      assertThat(fast.next()).isEqualTo(block(A, i));
    }
    publish(B, 7, 0); // the flood of A leaves room for B
    assertThat(fast.next()).isEqualTo(block(B, 7));
    slow.go.countDown();
    assertThat(slow.next()).isEqualTo(connected(A, 1));
    long lost = (long) slow.next();
    assertThat(slow.next()).isEqualTo(connected(B, 2));
    int delivered = 0;
    Object next = slow.next();
    while (!next.equals(block(B, 7))) {
      assertThat(next).isEqualTo(block(A, delivered++));
      next = slow.next();
    }
    assertThat(lost).isPositive().isEqualTo(sent - delivered);
    publish(A, 9, 0);
    assertThat(slow.next()).isEqualTo(block(A, 9)); // and no loss
  }

  @Test
  void whatWaitsIsBoundedInBytes() throws InterruptedException {
    Slow slow = new Slow();
    events.add(slow);
    events.connected(connected(A, 1));
    assertThat(slow.busy.await(LIMIT_SECONDS, TimeUnit.SECONDS)).isTrue();
    publish(A, 1, 3_600_000); // more than a peer's share, and alone
    publish(A, 2, 1);
    events.connected(connected(B, 2));
    publish(B, 3, 800_000); // more than is left
    slow.go.countDown();
    assertThat(slow.next()).isEqualTo(connected(A, 1));
    assertThat(slow.next()).isEqualTo(2L);
    assertThat(slow.next()).isEqualTo(block(A, 1));
    assertThat(slow.next()).isEqualTo(connected(B, 2));
    publish(A, 4, 400_000); // there is room again
    assertThat(slow.next()).isEqualTo(block(A, 4));
  }

  @Test
  void aListenerThatThrowsGetsTheNextEvent() throws InterruptedException {
    Recorder throwing =
        new Recorder() {
          @Override
          public void peerEvent(PeerEvent event) {
            super.peerEvent(event);
            throw new AssertionError("a test");
          }
        };
    events.add(throwing);
    events.connected(connected(A, 1));
    events.connected(connected(B, 2));
    assertThat(List.of(throwing.next(), throwing.next()))
        .containsExactly(connected(A, 1), connected(B, 2));
    events.add(new Recorder());
    publish(A, 1, 0);
    throwing.next();
    assertThat(events.failure()).contains("AssertionError: a test");
  }
}
