// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.p2p.devp2p;

import static org.assertj.core.api.Assertions.assertThat;

import dev.patchbay.api.p2p.DisconnectReason;
import dev.patchbay.api.p2p.PeerBreachException;
import dev.patchbay.api.p2p.PeerConnection;
import dev.patchbay.p2p.devp2p.rlpx.SnappyBlock;
import dev.patchbay.primitives.Bytes;
import java.time.Duration;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** The limits of one connection: deadlines, floods, back-pressure, and memory. */
class SessionLimitsTest extends SessionFixture {
  // ---- deadlines

  @Test
  void theEncryptionHandshakeMustSucceedIn5Seconds() {
    accept(protocol);
    for (int i = 0; i < 4; i++) {
      advance(Duration.ofSeconds(1));
      write(new byte[] {(byte) 1}); // a byte does not extend it
    }
    assertThat(channel.isOpen()).isTrue();
    advance(Duration.ofSeconds(1));
    assertEnded(DisconnectReason.PING_TIMEOUT);
  }

  @Test
  void theDeadlineBeginsWhenTheConnectionIsEstablished() {
    accept(protocol);
    advance(Duration.ofSeconds(3));
    channel.pipeline().fireChannelActive();
    advance(Duration.ofMillis(4_750));
    assertThat(channel.isOpen()).isTrue();
    advance(Duration.ofMillis(500));
    assertEnded(DisconnectReason.PING_TIMEOUT);
  }

  @Test
  void helloMustArriveIn5Seconds() throws PeerBreachException {
    accept(protocol);
    encrypt();
    advance(Duration.ofMillis(4_750));
    assertThat(session.hasEnded()).isFalse();
    advance(Duration.ofMillis(500));
    assertDisconnected(DisconnectReason.PING_TIMEOUT);
  }

  @Test
  void subProtocolsMustBeEstablishedIn5Seconds() throws PeerBreachException {
    TestProtocol silent =
        new TestProtocol("late", 1, 1) {
          @Override
          void greet(PeerConnection peer) {}
        };
    connect(protocol, silent);
    assertThat(owner.established).isZero();
    advance(Duration.ofMillis(4_750));
    send(FIRST, EMPTY_LIST);
    assertOpen();
    advance(Duration.ofMillis(500));
    assertDisconnected(DisconnectReason.PING_TIMEOUT);
  }

  @Test
  void anIdlePeerIsPingedOnceAndThenDisconnected() throws PeerBreachException {
    connect(protocol);
    advance(Duration.ofMillis(14_750));
    assertThat(poll()).isNull();
    advance(Duration.ofMillis(500));
    assertThat(next().id()).isEqualTo(BaseMessages.PING);
    advance(Duration.ofSeconds(14));
    assertThat(poll()).isNull();
    advance(Duration.ofSeconds(1));
    assertDisconnected(DisconnectReason.PING_TIMEOUT);
  }

  @Test
  void pongKeepsTheConnection() throws PeerBreachException {
    connect(protocol);
    for (int i = 0; i < 5; i++) {
      advance(Duration.ofMillis(15_250));
      assertThat(next().id()).isEqualTo(BaseMessages.PING);
      send(BaseMessages.PONG, EMPTY_LIST);
    }
    assertOpen();
  }

  @Test
  void aFrameThatTricklesInEndsTheSession() throws PeerBreachException {
    connect(protocol);
    byte[] frame = writer.write(BaseMessages.frame(FIRST, SnappyBlock.compress(new byte[999])));
    for (int i = 0; i < 29; i++) {
      write(new byte[] {frame[i]});
      advance(Duration.ofSeconds(1));
    }
    assertThat(session.hasEnded()).isFalse();
    advance(Duration.ofSeconds(2));
    assertEnded(DisconnectReason.PING_TIMEOUT);
  }

  @Test
  void aPeerThatDoesNotReadIsDisconnectedAfter20Seconds() throws PeerBreachException {
    connect(protocol);
    valve.closed = true;
    peer().send(0, Bytes.of(EMPTY_LIST));
    pump();
    for (int i = 0; i < 19; i++) {
      send(BaseMessages.PONG, EMPTY_LIST);
      advance(Duration.ofSeconds(1));
    }
    assertThat(session.hasEnded()).isFalse();
    advance(Duration.ofSeconds(2));
    assertEnded(DisconnectReason.TCP_ERROR);
  }

  // ---- floods

  @Test
  void pingIsAnswered() throws PeerBreachException {
    connect(protocol);
    send(BaseMessages.PING, EMPTY_LIST);
    Sent pong = next();
    assertThat(pong.id()).isEqualTo(BaseMessages.PONG);
    assertThat(pong.payload()).isEqualTo(EMPTY_LIST);
  }

  @ParameterizedTest
  @ValueSource(ints = {BaseMessages.PING, BaseMessages.PONG, 15})
  void aFloodOfBaseMessagesIsABreach(int id) throws PeerBreachException {
    connect(protocol);
    for (int second = 0; second < 3; second++) {
      for (int i = 0; i < SessionHandler.MAX_BASE_MESSAGES_PER_SECOND; i++) {
        send(id, EMPTY_LIST);
      }
      assertOpen();
      advance(Duration.ofSeconds(1));
    }
    for (int i = 0; i <= SessionHandler.MAX_BASE_MESSAGES_PER_SECOND; i++) {
      send(id, EMPTY_LIST);
    }
    assertDisconnected(DisconnectReason.PROTOCOL_BREACH);
  }

  @Test
  void pingIsAnsweredOnceIn100Milliseconds() throws PeerBreachException {
    connect(protocol);
    Duration interval = Duration.ofNanos(SessionHandler.PONG_INTERVAL_NANOS);
    for (int i = 0; i < 5; i++) {
      send(BaseMessages.PING, EMPTY_LIST);
      send(BaseMessages.PING, EMPTY_LIST);
      advance(interval.minusNanos(1));
      send(BaseMessages.PING, EMPTY_LIST);
      assertThat(next().id()).isEqualTo(BaseMessages.PONG);
      assertThat(poll()).isNull();
      advance(Duration.ofNanos(1));
    }
  }

  @Test
  void aPingFloodIsAnsweredInBoundedMemory() throws PeerBreachException {
    connect(protocol);
    valve.closed = true;
    Duration interval = Duration.ofNanos(SessionHandler.PONG_INTERVAL_NANOS);
    for (int i = 0; i < 100; i++) {
      send(BaseMessages.PING, EMPTY_LIST);
      advance(interval);
    }
    assertOpen();
    assertThat(valve.held).hasSize(16);
    valve.open();
    for (int i = 0; i < 16; i++) {
      assertThat(next().id()).isEqualTo(BaseMessages.PONG);
    }
    send(BaseMessages.PING, EMPTY_LIST);
    assertThat(next().id()).isEqualTo(BaseMessages.PONG);
    assertThat(poll()).isNull();
  }

  @Test
  void aPeerThatSendsAndDoesNotReadIsNotReadEither() throws PeerBreachException {
    settings = bounds(30, 1 << 20, 16 << 10, 64 << 10, 1 << 20);
    byte[] large = new byte[16 << 10];
    new Random(6).nextBytes(large);
    TestProtocol echo =
        new TestProtocol("test", 1, 2) {
          @Override
          void received(PeerConnection peer, int message, Bytes payload) {
            peer.send(1, Bytes.of(large));
          }
        };
    connect(echo);
    valve.closed = true;
    int sent = 0;
    while (channel.config().isAutoRead()) {
      send(FIRST, EMPTY_LIST);
      pump();
      sent++;
      assertThat(sent).isLessThan(100);
    }
    int handled = echo.events.size() - 1;
    assertThat(handled).isEqualTo(4); // until 64 KiB wait
    assertThat(session.unsentBytes()).isBetween(64L << 10, 80L << 10);
    assertThat(session.isWritable()).isFalse();
    assertThat(echo.events.element().peer().offer(0, Bytes.of(EMPTY_LIST))).isFalse();
    assertThat(sent - handled).isEqualTo(31);
    advance(Duration.ofSeconds(10));
    assertOpen();

    valve.open(); // the peer reads
    pump();
    assertThat(echo.events.size() - 1).isEqualTo(sent);
    assertThat(channel.config().isAutoRead()).isTrue();
    assertThat(session.isWritable()).isTrue();
    assertThat(session.unsentBytes()).isZero();
  }

  private static SessionSettings bounds(
      int waitingMessages, long waitingBytes, long low, long high, long max) {
    SessionSettings times = SessionSettings.DEFAULT;
    return new SessionSettings(
        times.encryption(),
        times.hello(),
        times.establish(),
        times.frameRead(),
        times.frameWrite(),
        times.ping(),
        times.disconnect(),
        waitingMessages,
        waitingBytes,
        low,
        high,
        max);
  }

  @Test
  void aReplyThatTheBoundDoesNotAllowEndsTheSession() throws PeerBreachException {
    settings = bounds(30, 1 << 20, 1 << 10, 2 << 10, 24 << 10);
    connect(protocol);
    valve.closed = true;
    byte[] large = new byte[4 << 10];
    new Random(7).nextBytes(large);
    int sent = 0;
    while (peer().send(0, Bytes.of(large))) {
      sent++;
      assertThat(sent).isLessThan(10);
    }
    assertThat(sent).isEqualTo(5); // below 24 KiB
    assertEnded(DisconnectReason.TCP_ERROR);
    assertThat(session.unsentBytes()).isLessThanOrEqualTo(settings.maxUnsentBytes());
  }

  @Test
  void aBusyHandlerStopsReadingByBytes() throws PeerBreachException {
    connect(protocol);
    byte[] large = new byte[1 << 20];
    new Random(9).nextBytes(large);
    for (int i = 0; i < 4; i++) {
      send(FIRST, large); // no task of the executor runs meanwhile
    }
    assertThat(channel.config().isAutoRead()).isFalse();
    pump();
    assertThat(channel.config().isAutoRead()).isTrue();
    assertThat(events(protocol)).containsExactly("connected", "0", "0", "0", "0");
  }

  @Test
  void whatASessionHoldsIsCounted() throws PeerBreachException {
    connect(protocol);
    byte[] large = new byte[1 << 20];
    new Random(12).nextBytes(large);
    byte[] frame = writer.write(BaseMessages.frame(FIRST, SnappyBlock.compress(large)));
    write(java.util.Arrays.copyOf(frame, 1000));
    assertThat(budget.totalBytes()).isEqualTo(1000 - 32); // the header has been read
    write(java.util.Arrays.copyOfRange(frame, 1000, frame.length));
    assertThat(budget.totalBytes()).isBetween(1L << 20, (1L << 20) + 200);
    pump();
    assertThat(budget.totalBytes()).isZero();
    valve.closed = true;
    peer().send(0, Bytes.of(large));
    assertThat(budget.totalBytes()).isBetween(1L << 20, (1L << 20) + 200);
    pump();
    valve.open();
    assertThat(budget.totalBytes()).isZero();
  }

  @Test
  void theSessionThatHoldsTheMostEndsWhenTheBudgetIsExceeded() throws PeerBreachException {
    connect(protocol);
    MemoryBudget.Holder other = new MemoryBudgetTest.TestHolder("other", true, true);
    budget.update(other, 1 << 20);
    byte[] large = new byte[1 << 20];
    new Random(13).nextBytes(large);
    for (int i = 0; i < 19; i++) {
      send(FIRST, large); // no task of the executor runs meanwhile
    }
    assertThat(session.hasEnded()).isTrue();
    assertThat(budget.totalBytes()).isEqualTo(1 << 20);
    assertDisconnected(DisconnectReason.TOO_MANY_PEERS);
    assertThat(events(protocol)).containsExactly("connected", "disconnected");
    budget.update(other, 0);
  }
}
