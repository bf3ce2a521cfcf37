// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.p2p.devp2p;

import static org.assertj.core.api.Assertions.assertThat;

import dev.patchbay.api.p2p.DisconnectReason;
import dev.patchbay.api.p2p.PeerBreachException;
import dev.patchbay.api.p2p.PeerInfo;
import dev.patchbay.primitives.rlp.RlpWriter;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** The handshakes of one connection: encryption, then Hello. */
class SessionHandshakeTest extends SessionFixture {
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
}
