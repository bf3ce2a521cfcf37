// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.p2p.devp2p.discovery;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.patchbay.crypto.Keccak;
import dev.patchbay.crypto.Secp256k1;
import dev.patchbay.p2p.devp2p.discovery.V5Message.FindNode;
import dev.patchbay.p2p.devp2p.discovery.V5Message.Nodes;
import dev.patchbay.p2p.devp2p.discovery.V5Message.Ping;
import dev.patchbay.p2p.devp2p.discovery.V5Message.Pong;
import dev.patchbay.p2p.devp2p.discovery.V5Message.TalkRequest;
import dev.patchbay.p2p.devp2p.discovery.V5Message.TalkResponse;
import dev.patchbay.primitives.Bytes;
import dev.patchbay.primitives.Hash;
import dev.patchbay.primitives.rlp.RlpWriter;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Random;
import org.junit.jupiter.api.Test;

/** The packets of version 5.1: the wire test vectors of devp2p, and malformed input. */
class V5CodecTest {
  private static final byte[] KEY_A =
      hex("eef77acb6c6a6eebc5b363a475ac583ec7eccdb42b6481424c60f59aa326547f");
  private static final byte[] KEY_B =
      hex("66fb62bfbd66b9177a138c1e5cddbe4f7c30c343e94e68df8769459cb1cde628");
  private static final Hash ID_A = id(KEY_A);
  private static final Hash ID_B = id(KEY_B);
  private static final Bytes NONCE = Bytes.wrap(hex("ff".repeat(12)));
  private static final byte[] NO_IV = new byte[16];

  private static final String PING =
      "00000000000000000000000000000000088b3d4342774649325f313964a39e55ea96c005ad52be8c7560413a70"
          + "08f16c9e6d2f43bbea8814a546b7409ce783d34c4f53245d08dab84102ed931f66d1492acb308fa1c671"
          + "5b9d139b81acbdcc";
  private static final String WHOAREYOU =
      "00000000000000000000000000000000088b3d434277464933a1ccc59f5967ad1d6035f15e528627dde75cd682"
          + "92f9e6c27d6b66c8100a873fcbaed4e16b8d";
  private static final String HANDSHAKE =
      "00000000000000000000000000000000088b3d4342774649305f313964a39e55ea96c005ad521d8c7560413a70"
          + "08f16c9e6d2f43bbea8814a546b7409ce783d34c4f53245d08da4bb252012b2cba3f4f374a90a75cff91"
          + "f142fa9be3e0a5f3ef268ccb9065aeecfd67a999e7fdc137e062b2ec4a0eb92947f0d9a74bfbf44dfba7"
          + "76b21301f8b65efd5796706adff216ab862a9186875f9494150c4ae06fa4d1f0396c93f215fa4ef524f1"
          + "eadf5f0f4126b79336671cbcf7a885b1f8bd2a5d839cf8";
  private static final String HANDSHAKE_WITH_RECORD =
      "00000000000000000000000000000000088b3d4342774649305f313964a39e55ea96c005ad539c8c7560413a70"
          + "08f16c9e6d2f43bbea8814a546b7409ce783d34c4f53245d08da4bb23698868350aaad22e3ab8dd034f5"
          + "48a1c43cd246be98562fafa0a1fa86d8e7a3b95ae78cc2b988ded6a5b59eb83ad58097252188b902b214"
          + "81e30e5e285f19735796706adff216ab862a9186875f9494150c4ae06fa4d1f0396c93f215fa4ef524e0"
          + "ed04c3c21e39b1868e1ca8105e585ec17315e755e6cfc4dd6cb7fd8e1a1f55e49b4b5eb024221482105346"
          + "f3c82b15fdaae36a3bb12a494683b4a3c7f2ae41306252fed84785e2bbff3b022812d0882f06978df84a"
          + "80d443972213342d04b9048fc3b1d5fcb1df0f822152eced6da4d3f6df27e70e4539717307a0208cd208"
          + "d65093ccab5aa596a34d7511401987662d8cf62b139471";
  private static final String CHALLENGE =
      "000000000000000000000000000000006469736376350001010102030405060708090a0b0c00180102030405"
          + "060708090a0b0c0d0e0f10";
  private static final String EPHEMERAL =
      "0288ef00023598499cb6c940146d050d2b1fb914198c327f76aad590bead68b6";

  private static byte[] hex(String digits) {
    return HexFormat.of().parseHex(digits);
  }

  private static Hash id(byte[] key) {
    return Hash.wrap(Keccak.hash256(Secp256k1.publicKey(key)));
  }

  private static V5Message decrypt(V5Codec.Received received, byte[] key) throws Exception {
    byte[] plain =
        V5Crypto.decrypt(
            key, received.nonce().toArray(), received.message(), received.headerData());
    return V5Message.decode(Objects.requireNonNull(plain));
  }

  // ---- vectors

  @Test
  void theMessageVector() throws Exception {
    assertThat(ID_A)
        .hasToString("0xaaaa8419e9f49d0083561b48287df592939a8d19947d8c0ef88f2a4856a69fbb");
    V5Codec.Received received = V5Codec.decode(ID_B, hex(PING));
    assertThat(received.auth()).isEqualTo(new V5Codec.MessageAuth(ID_A));
    assertThat(received.nonce()).isEqualTo(NONCE);
    Ping ping = new Ping(Bytes.wrap(new byte[] {0, 0, 0, 1}), 2);
    assertThat(decrypt(received, new byte[16])).isEqualTo(ping);
    V5Codec.Header header = V5Codec.header(ID_B, NO_IV, NONCE, received.auth());
    byte[] message = V5Crypto.encrypt(new byte[16], NONCE.toArray(), ping.encode(), header.data());
    assertThat(header.with(message)).isEqualTo(hex(PING));
  }

  @Test
  void theWhoAreYouVector() throws Exception {
    V5Codec.Received received = V5Codec.decode(ID_B, hex(WHOAREYOU));
    Bytes idNonce = Bytes.wrap(hex("0102030405060708090a0b0c0d0e0f10"));
    assertThat(received.auth()).isEqualTo(new V5Codec.WhoAreYouAuth(idNonce, 0));
    assertThat(received.headerData()).isEqualTo(hex(CHALLENGE + "0000000000000000"));
    V5Codec.Header header = V5Codec.header(ID_B, NO_IV, received.nonce(), received.auth());
    assertThat(header.masked()).isEqualTo(hex(WHOAREYOU));
  }

  @Test
  void theHandshakeVector() throws Exception {
    byte[] challenge = hex(CHALLENGE + "0000000000000001");
    V5Codec.HandshakeAuth auth =
        checkHandshake(HANDSHAKE, challenge, "4f9fac6de7567d1e3b1241dffe90f662");
    assertThat(auth.record()).isEqualTo(Bytes.EMPTY);
  }

  @Test
  void theHandshakeVectorWithARecord() throws Exception {
    byte[] challenge = hex(CHALLENGE + "0000000000000000");
    V5Codec.HandshakeAuth auth =
        checkHandshake(HANDSHAKE_WITH_RECORD, challenge, "53b1c075f41876423154e157470c2f48");
    NodeRecord record = NodeRecord.decode(auth.record().toArray());
    assertThat(record.id()).isEqualTo(ID_A);
    assertThat(record.seq()).isEqualTo(1);
  }

  private static V5Codec.HandshakeAuth checkHandshake(
      String packet, byte[] challenge, String readKey) throws Exception {
    V5Codec.Received received = V5Codec.decode(ID_B, hex(packet));
    V5Codec.HandshakeAuth auth = (V5Codec.HandshakeAuth) received.auth();
    assertThat(auth.sender()).isEqualTo(ID_A);
    byte[] ephemeral = Secp256k1.publicKey(hex(EPHEMERAL));
    byte[] compressed = Secp256k1.compress(ephemeral);
    assertThat(auth.ephemeralKey()).isEqualTo(Bytes.wrap(compressed));
    byte[] signature = auth.signature().toArray();
    Bytes keyOfA = Bytes.wrap(Secp256k1.publicKey(KEY_A));
    assertThat(V5Crypto.verifyId(signature, challenge, compressed, ID_B, keyOfA)).isTrue();
    assertThat(V5Crypto.signId(challenge, compressed, ID_B, KEY_A)).isEqualTo(signature);
    byte[] secret = Objects.requireNonNull(V5Crypto.sharedSecret(ephemeral, KEY_B));
    V5Crypto.SessionKeys keys = V5Crypto.deriveKeys(secret, ID_A, ID_B, challenge);
    assertThat(keys.initiator()).isEqualTo(hex(readKey));
    assertThat(decrypt(received, keys.initiator()))
        .isEqualTo(new Ping(Bytes.wrap(new byte[] {0, 0, 0, 1}), 1));
    V5Codec.Header header = V5Codec.header(ID_B, NO_IV, NONCE, auth);
    assertThat(header.with(received.message())).isEqualTo(hex(packet));
    return auth;
  }

  @Test
  void theVectorsOfTheCryptography() {
    byte[] scalar = hex("fb757dc581730490a1d7a00deea65e9b1936924caaea8f44d476014856b68736");
    byte[] challenge = hex(CHALLENGE + "0000000000000000");
    byte[] point =
        Objects.requireNonNull(
            Secp256k1.decompress(
                hex("039961e4c2356d61bedb83052c115d311acb3a96f5777296dcf297351130266231")));
    assertThat(V5Crypto.sharedSecret(point, scalar))
        .isEqualTo(hex("033b11a2a1f214567e1537ce5e509ffd9b21373247f2a3ff6841f4976f53165e7e"));
    byte[] recipient =
        Objects.requireNonNull(
            Secp256k1.decompress(
                hex("0317931e6e0840220642f230037d285d122bc59063221ef3226b1f403ddc69ca91")));
    byte[] secret = Objects.requireNonNull(V5Crypto.sharedSecret(recipient, scalar));
    V5Crypto.SessionKeys keys = V5Crypto.deriveKeys(secret, ID_A, ID_B, challenge);
    assertThat(keys.initiator()).isEqualTo(hex("dccc82d81bd610f4f76d3ebe97a40571"));
    assertThat(keys.recipient()).isEqualTo(hex("ac74bb8773749920b0d3a8881c173ec5"));
    assertThat(keys).hasToString("SessionKeys");
    assertThat(V5Crypto.signId(challenge, Secp256k1.compress(point), ID_B, scalar))
        .isEqualTo(
            hex(
                "94852a1e2318c4e5e9d422c98eaf19d1d90d876b29cd06ca7cb7546d0fff7b484fe86c09a064fe72bd"
                    + "bef73ba8e9c34df0cd2b53e9d65528c2c7f336d5dfc6e6"));
    byte[] key = hex("9f2d77db7004bf8a1a85107ac686990b");
    byte[] nonce = hex("27b5af763c446acd2749fe8e");
    byte[] associated = hex("93a7400fa0d6a694ebc24d5cf570f65d04215b6ac00757875e3f3a5f42107903");
    byte[] encrypted = V5Crypto.encrypt(key, nonce, hex("01c20101"), associated);
    assertThat(encrypted).isEqualTo(hex("a5d12a2d94b8ccb3ba55558229867dc13bfa3648"));
    assertThat(V5Crypto.decrypt(key, nonce, encrypted, associated)).isEqualTo(hex("01c20101"));
    encrypted[3] ^= 1;
    assertThat(V5Crypto.decrypt(key, nonce, encrypted, associated)).isNull();
    assertThat(V5Crypto.decrypt(key, nonce, new byte[15], associated)).isNull();
  }

  // ---- malformed packets

  @Test
  void cutOffPacketsAreRejectedOrNotAuthentic() {
    for (String vector : List.of(PING, WHOAREYOU, HANDSHAKE, HANDSHAKE_WITH_RECORD)) {
      byte[] packet = hex(vector);
      for (int length = 0; length < packet.length; length++) {
        byte[] cut = Arrays.copyOf(packet, length);
        boolean headerIsWhole = vector.equals(WHOAREYOU) ? false : length > 16 + 23 + 32;
        if (!headerIsWhole || length < V5Codec.MIN_BYTES) {
          assertThatThrownBy(() -> V5Codec.decode(ID_B, cut))
              .isInstanceOf(MalformedPacketException.class);
        }
      }
    }
    assertThatThrownBy(() -> V5Codec.decode(ID_B, Arrays.copyOf(hex(PING), 1_281)))
        .hasMessage("a packet of 1281 bytes");
  }

  @Test
  void aPacketForAnotherNodeIsRejected() {
    assertThatThrownBy(() -> V5Codec.decode(ID_A, hex(PING)))
        .isInstanceOf(MalformedPacketException.class)
        .hasMessageContaining("neither");
  }

  @Test
  void aWhoAreYouPacketHasNoMessage() {
    byte[] longer = Arrays.copyOf(hex(WHOAREYOU), 64);
    assertThatThrownBy(() -> V5Codec.decode(ID_B, longer)).hasMessage("a message of 1 bytes");
  }

  @Test
  void randomPacketsAreRejectedOrRead() {
    Random random = new Random(51);
    String[] vectors = {PING, WHOAREYOU, HANDSHAKE, HANDSHAKE_WITH_RECORD};
    int rejected = 0;
    for (int i = 0; i < 4_000; i++) {
      byte[] input = hex(vectors[random.nextInt(vectors.length)]);
      for (int change = random.nextInt(3); change >= 0; change--) {
        input[16 + random.nextInt(32)] = (byte) random.nextInt();
      }
      try {
        V5Codec.Received received = V5Codec.decode(ID_B, input);
        assertThat(received.headerData().length + received.message().length)
            .isEqualTo(input.length);
      } catch (MalformedPacketException malformed) {
        assertThat(malformed.getMessage()).hasSizeLessThan(200);
        rejected++;
      }
    }
    assertThat(rejected).isBetween(1_000, 3_999);
  }

  // ---- messages

  private static final Bytes REQUEST = Bytes.wrap(new byte[] {1, 2, 3, 4, 5, 6, 7, 8});
  private static final List<V5Message> MESSAGES =
      List.of(
          new Ping(REQUEST, 5),
          new Pong(REQUEST, 5, Addresses.of(new byte[] {1, 2, 3, 4}), 30_303),
          new Pong(Bytes.EMPTY, -1, Addresses.of(hex("20014860486000000000000000008888")), 1),
          new FindNode(REQUEST, List.of(0, 1, 256)),
          new FindNode(REQUEST, List.of()),
          new Nodes(REQUEST, 2, List.of(NodeRecord.sign(1, Map.of(), KEY_A).encoded())),
          new TalkRequest(REQUEST, Bytes.wrap(new byte[] {5}), Bytes.wrap(new byte[99])),
          new TalkResponse(REQUEST, Bytes.EMPTY));

  @Test
  void everyKindOfMessageRoundTrips() throws Exception {
    for (V5Message message : MESSAGES) {
      assertThat(V5Message.decode(message.encode())).isEqualTo(message);
    }
  }

  @Test
  void malformedMessagesAreRejected() {
    byte[] nine = new byte[9];
    for (byte[] plain :
        List.of(
            new byte[0],
            new byte[] {1},
            new byte[] {1, (byte) 0xc0},
            message(7, list -> list.bytes(REQUEST)),
            message(1, list -> list.bytes(nine).number(1)),
            message(2, list -> list.bytes(REQUEST).number(1).bytes(nine).number(1)),
            message(2, list -> list.bytes(REQUEST).number(1).bytes(new byte[4]).number(65_536)),
            message(3, list -> list.bytes(REQUEST).list(distances -> distances.number(257))),
            message(3, list -> list.bytes(REQUEST).list(V5CodecTest::manyDistances)),
            message(4, list -> list.bytes(REQUEST).number(-1).list(records -> {})))) {
      assertThatThrownBy(() -> V5Message.decode(plain))
          .isInstanceOf(MalformedPacketException.class);
    }
  }

  private static void manyDistances(RlpWriter distances) {
    for (int i = 0; i <= V5Message.MAX_DISTANCES; i++) {
      distances.number(7);
    }
  }

  private static byte[] message(int type, java.util.function.Consumer<RlpWriter> content) {
    return new RlpWriter().rawByte(type).list(content).toArray();
  }

  @Test
  void randomMessagesAreRejectedOrRead() {
    Random random = new Random(52);
    int rejected = 0;
    for (int i = 0; i < 4_000; i++) {
      byte[] input = MESSAGES.get(random.nextInt(MESSAGES.size())).encode().clone();
      for (int change = random.nextInt(4); change >= 0; change--) {
        input[random.nextInt(input.length)] = (byte) random.nextInt();
      }
      try {
        assertThat(V5Message.decode(input).requestId().size()).isLessThanOrEqualTo(8);
      } catch (MalformedPacketException malformed) {
        rejected++;
      }
    }
    assertThat(rejected).isBetween(1_000, 3_999);
  }
}
