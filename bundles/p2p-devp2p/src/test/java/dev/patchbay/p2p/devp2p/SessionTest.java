// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.p2p.devp2p;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.patchbay.api.p2p.Capability;
import dev.patchbay.api.p2p.DisconnectReason;
import dev.patchbay.api.p2p.PeerBreachException;
import dev.patchbay.api.p2p.PeerConnection;
import dev.patchbay.api.p2p.ProtocolHandler;
import dev.patchbay.p2p.devp2p.rlpx.SnappyBlock;
import dev.patchbay.primitives.Bytes;
import dev.patchbay.primitives.rlp.RlpException;
import java.io.IOException;
import java.time.Duration;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** One connection after Hello: messages, violations, and its end. */
class SessionTest extends SessionFixture {
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
