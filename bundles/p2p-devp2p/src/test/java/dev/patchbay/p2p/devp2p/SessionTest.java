// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.p2p.devp2p;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.patchbay.api.p2p.Capability;
import dev.patchbay.api.p2p.DisconnectReason;
import dev.patchbay.api.p2p.PeerBreachException;
import dev.patchbay.api.p2p.PeerConnection;
import dev.patchbay.api.p2p.PeerInfo;
import dev.patchbay.api.p2p.ProtocolHandler;
import dev.patchbay.p2p.devp2p.rlpx.SnappyBlock;
import dev.patchbay.primitives.Bytes;
import dev.patchbay.primitives.rlp.RlpException;
import dev.patchbay.primitives.rlp.RlpWriter;
import java.io.IOException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** One connection: handshakes, messages, violations, deadlines, and back-pressure. */
class SessionTest extends SessionFixture {
  private static final byte[] EMPTY_LIST = {(byte) 0xc0};
  private static final int FIRST = BaseMessages.COUNT;

  private final TestProtocol protocol = new TestProtocol("test", 1, 200);

  private List<String> events(TestProtocol of) {
    List<String> out = new ArrayList<>();
    of.events.forEach(event -> out.add(event.what()));
    return out;
  }

  private PeerConnection peer() {
    return protocol.events.element().peer();
  }

  // ---- handshakes

  @Test
  void aPeerIsConnectedAfterBothHandshakes() throws PeerBreachException {
    connect(protocol);
    assertThat(events(protocol)).containsExactly("connected");
    assertThat(owner.established).isEqualTo(1);
    assertThat(peer().id().value()).isEqualTo(REMOTE.id().toString());
    assertThat(peer().id().network()).isEqualTo("devp2p");
    assertThat(peer().clientId()).isEqualTo("Peer/test");
    assertThat(peer().inbound()).isTrue();
    assertThat(peer().capabilities()).containsExactly(protocol.capability());
    PeerInfo info = session.info(true, false);
    assertThat(info.trusted()).isTrue();
    assertThat(info.capabilities()).containsExactly(protocol.capability());
    assertThat(info.url()).isEqualTo("enode://" + REMOTE.id() + "@127.0.0.1:0");
    assertThat(info.protocols().get("test")).containsEntry("version", 1);
  }

  @Test
  void theHandshakeMayArriveByteByByteWithFramesBehindIt() throws PeerBreachException {
    accept(protocol);
    var initiator = new dev.patchbay.p2p.devp2p.rlpx.Handshake.Initiator(REMOTE, OWN.id(), RANDOM);
    for (byte one : initiator.auth()) {
      write(new byte[] {one});
    }
    pump();
    byte[] ack = new byte[2 + received.getUnsignedShort(0)];
    received.readBytes(ack);
    writer = new dev.patchbay.p2p.devp2p.rlpx.FrameWriter(initiator.complete(ack));
    byte[] hello = Hello.of("Peer/test", List.of(protocol.capability()), 0, REMOTE.id()).encode();
    byte[] frame = writer.write(BaseMessages.frame(BaseMessages.HELLO, hello));
    for (byte one : frame) {
      write(new byte[] {one});
    }
    assertOpen();
    assertThat(events(protocol)).containsExactly("connected");
  }

  @ParameterizedTest
  @ValueSource(ints = {0, 112, 2049, 65_535})
  void aHandshakeOfAWrongSizeEndsTheConnectionAtOnceAndSilently(int size) {
    accept(protocol);
    write(new byte[] {(byte) (size >>> 8), (byte) size});
    assertEnded(DisconnectReason.PROTOCOL_BREACH);
    assertThat(received.isReadable()).isFalse();
  }

  @Test
  void anInvalidHandshakeEndsTheConnectionSilently() {
    accept(protocol);
    byte[] packet = new byte[302];
    packet[0] = 1;
    packet[1] = 44;
    packet[2] = 4;
    write(packet);
    assertEnded(DisconnectReason.PROTOCOL_BREACH);
    assertThat(received.isReadable()).isFalse();
  }

  @ParameterizedTest
  @ValueSource(ints = {0, 2, 63, 65, 128})
  void aNodeIdOfAWrongLengthIsRefused(int length) throws PeerBreachException {
    accept(protocol);
    encrypt();
    next();
    sendHello(5, new byte[length]);
    snappy = true;
    assertDisconnected(DisconnectReason.UNEXPECTED_IDENTITY);
    assertThat(events(protocol)).isEmpty();
  }

  @Test
  void aNodeIdOfAnotherNodeIsRefused() throws PeerBreachException {
    accept(protocol);
    encrypt();
    next();
    sendHello(5, OWN.id().key().toArray());
    snappy = true;
    assertDisconnected(DisconnectReason.UNEXPECTED_IDENTITY);
  }

  private void sendHello(int version, byte[] nodeId) {
    send(
        BaseMessages.HELLO,
        new RlpWriter()
            .list(
                list ->
                    list.number(version)
                        .bytes("Peer".getBytes(java.nio.charset.StandardCharsets.UTF_8))
                        .list(
                            all ->
                                all.list(
                                    pair -> pair.bytes(new byte[] {'t', 'e', 's', 't'}).number(1)))
                        .number(0)
                        .bytes(nodeId))
            .toArray());
  }

  @Test
  void anOldVersionIsRefused() throws PeerBreachException {
    accept(protocol);
    encrypt();
    sendHello(3, REMOTE.id().key().toArray());
    assertDisconnected(DisconnectReason.INCOMPATIBLE_VERSION);
  }

  @Test
  void version4IsNotCompressed() throws PeerBreachException {
    accept(protocol);
    encrypt();
    next();
    sendHello(4, REMOTE.id().key().toArray());
    send(FIRST + 3, new byte[] {(byte) 0x83, 1, 2, 3});
    pump();
    assertThat(events(protocol)).containsExactly("connected", "3");
    send(BaseMessages.PING, EMPTY_LIST);
    assertThat(next().payload()).isEqualTo(EMPTY_LIST);
  }

  @Test
  void aLaterVersionIsAccepted() throws PeerBreachException {
    accept(protocol);
    encrypt();
    sendHello(6, REMOTE.id().key().toArray());
    assertOpen();
  }

  @Test
  void aPeerWithoutACommonSubProtocolIsUseless() throws PeerBreachException {
    accept(new TestProtocol("other", 1, 1));
    encrypt();
    next();
    sendHello(5, REMOTE.id().key().toArray());
    snappy = true;
    assertDisconnected(DisconnectReason.USELESS_PEER);
  }

  @Test
  void aSubProtocolThatIsAddedAfterHelloIsNotUsed() throws PeerBreachException {
    accept(protocol);
    encrypt();
    next();
    TestProtocol added = new TestProtocol("before", 1, 9);
    protocols = List.of(added, protocol);
    List<dev.patchbay.api.p2p.Capability> both = List.of(added.capability(), protocol.capability());
    send(BaseMessages.HELLO, Hello.of("Peer/test", both, 0, REMOTE.id()).encode());
    snappy = true;
    send(FIRST, EMPTY_LIST);
    pump();
    assertThat(events(protocol)).containsExactly("connected", "0");
    assertThat(events(added)).isEmpty();
  }

  @Test
  void theOwnerRefusesBeforeHello() throws PeerBreachException {
    owner.refusal = DisconnectReason.TOO_MANY_PEERS;
    accept(protocol);
    encrypt();
    assertDisconnected(DisconnectReason.TOO_MANY_PEERS);
  }

  @Test
  void theOwnerRefusesAfterHello() throws PeerBreachException {
    owner.lateRefusal = DisconnectReason.ALREADY_CONNECTED;
    accept(protocol);
    encrypt();
    next();
    sendHello(5, REMOTE.id().key().toArray());
    snappy = true;
    assertDisconnected(DisconnectReason.ALREADY_CONNECTED);
    assertThat(events(protocol)).isEmpty();
  }

  @ParameterizedTest
  @ValueSource(ints = {BaseMessages.PING, BaseMessages.PONG, 0x0f, FIRST, 300})
  void nothingIsAcceptedBeforeHello(int id) throws PeerBreachException {
    accept(protocol);
    encrypt();
    send(id, EMPTY_LIST);
    assertDisconnected(DisconnectReason.PROTOCOL_BREACH);
  }

  @Test
  void aSecondHelloIsAViolation() throws PeerBreachException {
    connect(protocol);
    sendHello(5, REMOTE.id().key().toArray());
    assertDisconnected(DisconnectReason.PROTOCOL_BREACH);
  }

  @Test
  void aMalformedHelloIsAViolation() throws PeerBreachException {
    accept(protocol);
    encrypt();
    send(BaseMessages.HELLO, new byte[] {(byte) 0xc2, 5});
    assertDisconnected(DisconnectReason.PROTOCOL_BREACH);
  }

  // ---- messages

  @Test
  void messagesPassInBothDirectionsAndInOrder() throws PeerBreachException {
    connect(protocol);
    byte[] payload = new byte[100_000];
    new Random(5).nextBytes(payload);
    send(FIRST, EMPTY_LIST);
    send(FIRST + 199, payload); // a number of two bytes
    pump();
    assertThat(events(protocol)).containsExactly("connected", "0", "199");
    assertThat(List.copyOf(protocol.events).get(2).payload()).isEqualTo(Bytes.of(payload));
    assertThat(peer().send(0, Bytes.of(EMPTY_LIST))).isTrue();
    assertThat(peer().offer(150, Bytes.of(payload))).isTrue();
    Sent first = next();
    assertThat(first.id()).isEqualTo(FIRST);
    Sent second = next();
    assertThat(second.id()).isEqualTo(FIRST + 150);
    assertThat(second.payload()).isEqualTo(payload);
    assertThatThrownBy(() -> peer().send(200, Bytes.EMPTY))
        .isInstanceOf(IllegalArgumentException.class);
    assertThatThrownBy(() -> peer().send(0, Bytes.of(new byte[(10 << 20) + 1])))
        .isInstanceOf(IllegalArgumentException.class);
  }

  @Test
  void subProtocolsHaveTheirOwnNumbers() throws PeerBreachException {
    TestProtocol upper = new TestProtocol("IBF", 1, 4);
    TestProtocol old = new TestProtocol("test", 0, 7);
    connect(protocol, upper, old);
    send(FIRST + 3, EMPTY_LIST);
    send(FIRST + 4, EMPTY_LIST);
    pump();
    assertThat(events(upper)).containsExactly("connected", "3");
    assertThat(events(protocol)).containsExactly("connected", "0");
    assertThat(events(old)).isEmpty();
  }

  @ParameterizedTest
  @ValueSource(ints = {FIRST + 200, 1 << 30})
  void anUnknownMessageIsAViolation(int id) throws PeerBreachException {
    connect(protocol);
    send(id, EMPTY_LIST);
    assertDisconnected(DisconnectReason.PROTOCOL_BREACH);
  }

  @Test
  void reservedNumbersAreIgnored() throws PeerBreachException {
    connect(protocol);
    send(0x04, EMPTY_LIST);
    send(0x0f, EMPTY_LIST);
    assertOpen();
  }

  @Test
  void aChangedFrameEndsTheConnection() throws PeerBreachException {
    connect(protocol);
    byte[] frame = writer.write(BaseMessages.frame(FIRST, SnappyBlock.compress(EMPTY_LIST)));
    frame[frame.length - 1] ^= 1;
    write(frame);
    assertDisconnected(DisconnectReason.PROTOCOL_BREACH);
    assertThat(events(protocol)).containsExactly("connected", "disconnected");
  }

  @Test
  void aFrameBeforeHelloIsRefusedByItsHeader() throws PeerBreachException {
    accept(protocol);
    encrypt();
    byte[] frame = writer.write(new byte[4096]);
    write(java.util.Arrays.copyOf(frame, 32));
    assertDisconnected(DisconnectReason.PROTOCOL_BREACH);
  }

  @Test
  void aFrameThatIsTooLongIsRefusedByItsHeader() throws PeerBreachException {
    connect(protocol);
    byte[] frame = writer.write(new byte[0xffffff]);
    write(java.util.Arrays.copyOf(frame, 32));
    assertDisconnected(DisconnectReason.PROTOCOL_BREACH);
  }

  @Test
  void anEmptyFrameIsAViolation() throws PeerBreachException {
    connect(protocol);
    writeFrame(new byte[0]);
    assertDisconnected(DisconnectReason.PROTOCOL_BREACH);
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "8180", // 0x80, which is canonical, and unknown
        "0080", // a number with a leading zero
        "b8", // a cut number
        "c0", // a list
        "88ffffffff00000010", // 0x10 in its last four bytes
        "89010000000000000000" // a number of 9 bytes
      })
  void aMessageNumberMustBeCanonicalAndKnown(String data) throws PeerBreachException {
    connect(new TestProtocol("test", 1, 100));
    writeFrame(java.util.HexFormat.of().parseHex(data));
    assertDisconnected(DisconnectReason.PROTOCOL_BREACH);
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "818080050000", // 10 MiB + 1
        "8080800500", // 10 MiB in no bytes
        "ffffffff0f00", // 4 GiB - 1
        "" // no length
      })
  void aCompressionBombIsRefusedBeforeItIsQueued(String block) throws PeerBreachException {
    connect(protocol);
    writeFrame(BaseMessages.frame(FIRST, java.util.HexFormat.of().parseHex(block)));
    assertThat(session.hasEnded()).isTrue();
    assertDisconnected(DisconnectReason.PROTOCOL_BREACH);
  }

  @Test
  void aMalformedBlockIsAViolation() throws PeerBreachException {
    connect(protocol);
    writeFrame(BaseMessages.frame(FIRST, java.util.HexFormat.of().parseHex("0a00611502")));
    assertDisconnected(DisconnectReason.PROTOCOL_BREACH);
  }

  @Test
  void aBaseMessageThatIsTooLongIsAViolation() throws PeerBreachException {
    connect(protocol);
    send(BaseMessages.PING, new byte[BaseMessages.MAX_BYTES + 1]);
    assertDisconnected(DisconnectReason.PROTOCOL_BREACH);
  }

  // ---- sub-protocols that fail

  @Test
  void aViolationEndsTheSessionWithItsReason() throws PeerBreachException {
    connect(throwing(new PeerBreachException(DisconnectReason.USELESS_PEER, "x".repeat(9_999))));
    send(FIRST, EMPTY_LIST);
    assertDisconnected(DisconnectReason.USELESS_PEER);
  }

  @Test
  void aMalformedPayloadIsAViolation() throws PeerBreachException {
    connect(throwing(new RlpException("no list")));
    send(FIRST, EMPTY_LIST);
    assertDisconnected(DisconnectReason.PROTOCOL_BREACH);
  }

  @Test
  void anErrorOfThisNodeIsRecorded() throws PeerBreachException {
    connect(throwing(new StackOverflowError()));
    send(FIRST, EMPTY_LIST);
    assertDisconnected(DisconnectReason.SUBPROTOCOL_ERROR);
    assertThat(failures).hasSize(1);
  }

  private TestProtocol throwing(Throwable failure) {
    return new TestProtocol("test", 1, 2) {
      @Override
      void received(PeerConnection peer, int message, Bytes payload) {
        TestProtocol.<RuntimeException>sneak(failure);
      }
    };
  }

  @Test
  void aPeerThatASubProtocolRefusesIsDisconnectedFromTheOthers() throws PeerBreachException {
    TestProtocol refusing =
        new TestProtocol("zzz", 1, 1) {
          @Override
          public ProtocolHandler connected(PeerConnection peer) throws PeerBreachException {
            throw new PeerBreachException(DisconnectReason.SUBPROTOCOL_ERROR, "refused");
          }
        };
    connect(protocol, refusing);
    assertDisconnected(DisconnectReason.SUBPROTOCOL_ERROR);
    assertThat(events(protocol)).containsExactly("connected", "disconnected");
    assertThat(events(refusing)).isEmpty();
  }

  // ---- ends

  @ParameterizedTest
  @CsvSource({
    "c104, TOO_MANY_PEERS",
    "04, TOO_MANY_PEERS",
    "c0, REQUESTED",
    "c100, REQUESTED",
    "c180, REQUESTED",
    "8110, ",
    "10, SUBPROTOCOL_ERROR",
    "c17f, ",
    "ff, "
  })
  void disconnectIsReadInAllForms(String payload, DisconnectReason reason)
      throws PeerBreachException {
    connect(protocol);
    send(BaseMessages.DISCONNECT, java.util.HexFormat.of().parseHex(payload));
    pump();
    assertThat(channel.isOpen()).isFalse();
    assertThat(owner.ends).hasSize(1);
    assertThat(owner.ends.get(0).byPeer()).isTrue();
    assertThat(owner.ends.get(0).reason()).isEqualTo(reason);
    assertThat(events(protocol)).containsExactly("connected", "disconnected");
  }

  @Test
  void disconnectIsReadInsteadOfHello() throws PeerBreachException {
    accept(protocol);
    encrypt();
    send(BaseMessages.DISCONNECT, BaseMessages.disconnect(DisconnectReason.TOO_MANY_PEERS));
    pump();
    assertThat(owner.ends)
        .containsExactly(new SessionEnd(DisconnectReason.TOO_MANY_PEERS, true, "code 4"));
  }

  @Test
  void aSubProtocolEndsTheSession() throws PeerBreachException {
    connect(protocol);
    peer().disconnect(DisconnectReason.USELESS_PEER, "a test");
    peer().disconnect(DisconnectReason.REQUESTED, "too late");
    send(FIRST, EMPTY_LIST); // after the end
    assertDisconnected(DisconnectReason.USELESS_PEER);
    assertThat(events(protocol)).containsExactly("connected", "disconnected");
    assertThat(peer().send(0, Bytes.of(EMPTY_LIST))).isFalse();
    assertThat(peer().offer(0, Bytes.of(EMPTY_LIST))).isFalse();
  }

  @Test
  void aConnectionThatBreaksEndsTheSession() throws PeerBreachException {
    connect(protocol);
    send(FIRST, EMPTY_LIST);
    channel.pipeline().fireExceptionCaught(new IOException("reset"));
    pump();
    assertThat(owner.ends).hasSize(1);
    assertThat(owner.ends.get(0).reason()).isEqualTo(DisconnectReason.TCP_ERROR);
    assertThat(events(protocol)).endsWith("disconnected");
    assertThat(failures).isEmpty();
  }

  @Test
  void aPeerThatDoesNotReadDisconnectIsClosedAfterASecond() throws PeerBreachException {
    connect(protocol);
    valve.closed = true;
    peer().disconnect(DisconnectReason.REQUESTED, "a test");
    advance(Duration.ofMillis(750));
    assertThat(channel.isOpen()).isTrue();
    assertEnded(DisconnectReason.REQUESTED);
  }

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

  @Test
  void aPingFloodIsAnsweredInBoundedMemory() throws PeerBreachException {
    connect(protocol);
    valve.closed = true;
    for (int i = 0; i < 10_000; i++) {
      send(BaseMessages.PING, EMPTY_LIST);
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
    MemoryBudget.Holder other = () -> {};
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

  // ---- anything

  @Test
  void randomFramesNeverCauseAnErrorOfThisNode() throws PeerBreachException {
    Random random = new Random(10);
    for (int i = 0; i < 1_000; i++) {
      SessionTest one = new SessionTest();
      if (i % 2 == 0) {
        one.connect(one.protocol);
      } else {
        one.accept(one.protocol);
        one.encrypt();
      }
      for (int frames = 0; frames < 3; frames++) {
        byte[] data = new byte[1 + random.nextInt(64)];
        random.nextBytes(data);
        data[0] = (byte) random.nextInt(32);
        one.writeFrame(data);
      }
      one.pump();
      assertThat(one.failures).isEmpty();
      one.close();
      assertThat(one.owner.ends).hasSize(1);
      assertThat(one.owner.ends.get(0).detail()).hasSizeLessThan(300);
    }
  }

  /** Every message of the base protocol, changed at random, before and after Hello. */
  @Test
  void changedBaseMessagesNeverCauseAnErrorOfThisNode() throws PeerBreachException {
    Random random = new Random(12);
    byte[] hello =
        Hello.of("Peer/test", List.of(new Capability("test", 1)), 30_303, REMOTE.id()).encode();
    List<byte[]> payloads =
        List.of(
            hello,
            BaseMessages.disconnect(DisconnectReason.TOO_MANY_PEERS),
            BaseMessages.empty(),
            BaseMessages.empty());
    int open = 0;
    for (int i = 0; i < 1_000; i++) {
      SessionTest one = new SessionTest();
      boolean afterHello = i % 2 == 0;
      if (afterHello) {
        one.connect(one.protocol);
      } else {
        one.accept(one.protocol);
        one.encrypt();
      }
      int id = random.nextInt(payloads.size());
      byte[] payload = payloads.get(id).clone();
      for (int changes = random.nextInt(3); changes > 0; changes--) {
        payload[random.nextInt(payload.length)] = (byte) random.nextInt(256);
      }
      one.send(id, Arrays.copyOf(payload, Math.max(0, payload.length + random.nextInt(5) - 2)));
      one.pump();
      assertThat(one.failures).isEmpty();
      open += one.session.hasEnded() ? 0 : 1;
      one.close();
      assertThat(one.owner.ends).hasSize(1);
      assertThat(one.owner.ends.get(0).detail()).hasSizeLessThan(300);
    }
    assertThat(open).as("some of them are valid, and most are not").isBetween(10, 500);
  }
}
