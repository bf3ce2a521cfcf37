// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.p2p.devp2p.rlpx;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.patchbay.api.p2p.DisconnectReason;
import dev.patchbay.api.p2p.PeerBreachException;
import dev.patchbay.primitives.rlp.RlpWriter;
import java.nio.charset.StandardCharsets;
import java.security.SecureRandom;
import java.util.Arrays;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** The encryption handshake, against the vectors of EIP-8 and against hostile packets. */
class HandshakeTest {
  private static final SecureRandom RANDOM = new SecureRandom();
  private static final String UNIFORM = "the encryption handshake is invalid";

  @ParameterizedTest
  @ValueSource(strings = {"auth2", "auth3"})
  void readsAuthOfEip8(String name) throws PeerBreachException {
    byte[] packet = Eip8.bytes(name);
    Handshake.Auth auth = Handshake.Auth.read(Handshake.open(packet, Eip8.B), Eip8.B);
    assertThat(auth.remote()).isEqualTo(Eip8.A.id());
    assertThat(auth.remoteEphemeral()).isEqualTo(Eip8.EPHEMERAL_A.key().id());
    assertThat(auth.nonce()).isEqualTo(Eip8.bytes("nonce.a"));
  }

  @Test
  void derivesTheSecretsOfEip8() throws PeerBreachException {
    byte[] packet = Eip8.bytes("auth2");
    Handshake.Auth auth = Handshake.Auth.read(Handshake.open(packet, Eip8.B), Eip8.B);
    Secrets secrets = auth.secrets(packet, Eip8.bytes("ack2"), Eip8.EPHEMERAL_B);
    assertThat(secrets.aes()).isEqualTo(Eip8.bytes("aes"));
    assertThat(secrets.mac()).isEqualTo(Eip8.bytes("mac"));
    assertThat(secrets.egress().digest()).isEqualTo(Eip8.bytes("egress"));
    byte[] foo = "foo".getBytes(StandardCharsets.US_ASCII);
    secrets.ingress().update(foo, 0, foo.length);
    assertThat(secrets.ingress().digest()).isEqualTo(Eip8.bytes("ingress.foo"));
  }

  @ParameterizedTest
  @ValueSource(strings = {"ack2", "ack3"})
  void readsAckOfEip8(String name) throws PeerBreachException {
    Handshake.Initiator initiator =
        new Handshake.Initiator(Eip8.A, Eip8.B.id(), Eip8.EPHEMERAL_A, RANDOM);
    // the keys depend on neither packet, the MAC states do
    Secrets secrets = initiator.complete(Eip8.bytes(name));
    assertThat(secrets.aes()).isEqualTo(Eip8.bytes("aes"));
    assertThat(secrets.mac()).isEqualTo(Eip8.bytes("mac"));
  }

  @Test
  void computesTheSharedSecretsOfEip8AndWritesTheSameAuth() throws PeerBreachException {
    assertThat(Handshake.sharedSecret(Eip8.B.id(), Eip8.A)).isEqualTo(Eip8.bytes("static.x"));
    assertThat(Handshake.sharedSecret(Eip8.EPHEMERAL_B.key().id(), Eip8.EPHEMERAL_A.key()))
        .isEqualTo(Eip8.bytes("ephemeral.x"));
    byte[] body = Handshake.open(Eip8.bytes("auth2"), Eip8.B);
    assertThat(dev.patchbay.primitives.rlp.RlpReader.of(body).list().byteArray())
        .isEqualTo(Eip8.bytes("signature"));
    byte[] own = new Handshake.Initiator(Eip8.A, Eip8.B.id(), Eip8.EPHEMERAL_A, RANDOM).auth();
    assertThat(Handshake.Auth.read(Handshake.open(own, Eip8.B), Eip8.B))
        .usingRecursiveComparison()
        .isEqualTo(Handshake.Auth.read(body, Eip8.B));
  }

  @Test
  void bothSidesHaveTheSameSecrets() throws PeerBreachException {
    NodeKey a = NodeKey.random(RANDOM);
    NodeKey b = NodeKey.random(RANDOM);
    Handshake.Initiator initiator = new Handshake.Initiator(a, b.id(), RANDOM);
    Handshake.Accepted accepted = Handshake.accept(b, initiator.auth(), RANDOM);
    Secrets own = initiator.complete(accepted.ack());
    assertThat(accepted.remote()).isEqualTo(a.id());
    assertThat(accepted.secrets().aes()).isEqualTo(own.aes());
    assertThat(accepted.secrets().egress().digest()).isEqualTo(own.ingress().digest());
    assertThat(accepted.secrets().ingress().digest()).isEqualTo(own.egress().digest());
    assertThat(own.egress().digest()).isNotEqualTo(own.ingress().digest());
  }

  @Test
  void everyInvalidPacketCausesTheSameException() {
    byte[] valid = Eip8.bytes("auth2");
    assertInvalid(new byte[0]);
    assertInvalid(new byte[] {0});
    assertInvalid(Arrays.copyOf(valid, valid.length - 1)); // cut
    assertInvalid(Arrays.copyOf(valid, valid.length + 1)); // longer than its size
    assertInvalid(sized(Ecies.OVERHEAD_BYTES - 1)); // no room for the tag
    assertInvalid(sized(Handshake.MAX_PACKET_BYTES + 1));
    assertInvalid(sized(0xffff));
    byte[] compressedPoint = valid.clone();
    compressedPoint[2] = 2;
    assertInvalid(compressedPoint);
    byte[] wrongTag = valid.clone();
    wrongTag[valid.length - 1] ^= 1;
    assertInvalid(wrongTag);
    byte[] wrongText = valid.clone();
    wrongText[100] ^= 1;
    assertInvalid(wrongText);
    byte[] offCurve = valid.clone();
    Arrays.fill(offCurve, 3, 3 + NodeId.BYTES, (byte) 0);
    offCurve[3 + 63] = 5; // x = 0 has no point
    assertInvalid(offCurve);
    byte[] infinity = valid.clone();
    Arrays.fill(infinity, 3, 3 + NodeId.BYTES, (byte) 0);
    assertInvalid(infinity);
  }

  private static byte[] sized(int size) {
    byte[] packet = new byte[2 + size];
    packet[0] = (byte) (size >>> 8);
    packet[1] = (byte) size;
    return packet;
  }

  @Test
  void anAuthWithInvalidContentIsRefused() {
    byte[] point = Eip8.A.id().key().toArray();
    byte[] signature = Eip8.bytes("signature");
    byte[] nonce = Eip8.bytes("nonce.a");
    byte[] recoveryId4 = signature.clone();
    recoveryId4[64] = 4;
    byte[] noSignature = new byte[65];
    assertInvalid(auth(recoveryId4, point, nonce));
    assertInvalid(auth(noSignature, point, nonce));
    assertInvalid(auth(signature, new byte[64], nonce));
    assertInvalid(auth(signature, Arrays.copyOf(point, 63), nonce));
    assertInvalid(auth(signature, point, new byte[31]));
    assertInvalid(encrypt(new byte[] {(byte) 0xc0}));
    assertInvalid(encrypt(new byte[0]));
    assertInvalid(encrypt(new byte[] {(byte) 0xff, 1, 2, 3}));
  }

  @Test
  void anAckWithAPointOffTheCurveIsRefused() {
    Handshake.Initiator initiator = new Handshake.Initiator(Eip8.A, Eip8.B.id(), RANDOM);
    byte[] body =
        new RlpWriter()
            .list(list -> list.bytes(new byte[64]).bytes(new byte[32]).number(4))
            .toArray();
    assertThatThrownBy(() -> initiator.complete(encrypt(Eip8.A.id(), body)))
        .isInstanceOf(PeerBreachException.class)
        .hasMessage(UNIFORM);
  }

  private static byte[] auth(byte[] signature, byte[] point, byte[] nonce) {
    return encrypt(
        new RlpWriter()
            .list(list -> list.bytes(signature).bytes(point).bytes(nonce).number(4))
            .toArray());
  }

  private static byte[] encrypt(byte[] body) {
    return encrypt(Eip8.B.id(), body);
  }

  private static byte[] encrypt(NodeId recipient, byte[] body) {
    int size = body.length + Ecies.OVERHEAD_BYTES;
    byte[] prefix = {(byte) (size >>> 8), (byte) size};
    byte[] ephemeral = NodeKey.random(RANDOM).secret();
    return Secrets.concat(prefix, Ecies.encrypt(recipient, body, prefix, ephemeral, new byte[16]));
  }

  private static void assertInvalid(byte[] packet) {
    assertThatThrownBy(() -> Handshake.accept(Eip8.B, packet, RANDOM))
        .isInstanceOfSatisfying(
            PeerBreachException.class,
            breach -> assertThat(breach.reason()).isEqualTo(DisconnectReason.PROTOCOL_BREACH))
        .hasMessage(UNIFORM);
  }

  @Test
  void randomPacketsAndBodiesAreRefused() {
    Random random = new Random(8);
    for (int i = 0; i < 1_000; i++) {
      byte[] input = new byte[random.nextInt(400)];
      random.nextBytes(input);
      if (i % 2 == 0) {
        assertInvalid(encrypt(input)); // decrypts, so that its content is read
      } else {
        if (input.length >= 2) {
          input[0] = (byte) (input.length - 2 >>> 8);
          input[1] = (byte) (input.length - 2);
        }
        assertInvalid(input);
      }
    }
  }
}
