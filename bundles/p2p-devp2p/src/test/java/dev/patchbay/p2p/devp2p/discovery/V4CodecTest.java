// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.p2p.devp2p.discovery;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.patchbay.crypto.Secp256k1;
import dev.patchbay.p2p.devp2p.discovery.V4Packet.Endpoint;
import dev.patchbay.p2p.devp2p.discovery.V4Packet.EnrRequest;
import dev.patchbay.p2p.devp2p.discovery.V4Packet.EnrResponse;
import dev.patchbay.p2p.devp2p.discovery.V4Packet.FindNode;
import dev.patchbay.p2p.devp2p.discovery.V4Packet.Neighbors;
import dev.patchbay.p2p.devp2p.discovery.V4Packet.Ping;
import dev.patchbay.p2p.devp2p.discovery.V4Packet.Pong;
import dev.patchbay.primitives.Bytes;
import dev.patchbay.primitives.Hash;
import dev.patchbay.primitives.rlp.RlpWriter;
import java.net.InetAddress;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.Random;
import org.junit.jupiter.api.Test;

/** The packets of version 4: the vectors of EIP-8, round trips, and malformed input. */
class V4CodecTest {
  private static final byte[] KEY =
      HexFormat.of().parseHex("b71c71a67e1177ad4e901695e1b4b9ee17ae16c6668d313eac2f96dbcda3f291");
  private static final Bytes PUBLIC_KEY = Bytes.wrap(Secp256k1.publicKey(KEY));
  private static final long EXPIRATION = 1_136_239_445;

  private static final String PING =
      "71dbda3a79554728d4f94411e42ee1f8b0d561c10e1e5f5893367948c6a7d70bb87b235fa28a77070271b6c164"
          + "a2dce8c7e13a5739b53b5e96f2e5acb0e458a02902f5965d55ecbeb2ebb6cabb8b2b232896a36b737666"
          + "c55265ad0a68412f250001ea04cb847f000001820cfa8215a8d790000000000000000000000000000000"
          + "018208ae820d058443b9a355";
  private static final String PING_WITH_EXTRAS =
      "e9614ccfd9fc3e74360018522d30e1419a143407ffcce748de3e22116b7e8dc92ff74788c0b6663aaa3d67d641"
          + "936511c8f8d6ad8698b820a7cf9e1be7155e9a241f556658c55428ec0563514365799a4be2be5a685a80"
          + "971ddcfa80cb422cdd0101ec04cb847f000001820cfa8215a8d790000000000000000000000000000000"
          + "018208ae820d058443b9a3550102";
  private static final String FIND_NODE =
      "c7c44041b9f7c7e41934417ebac9a8e1a4c6298f74553f2fcfdcae6ed6fe53163eb3d2b52e39fe91831b8a927b"
          + "f4fc222c3902202027e5e9eb812195f95d20061ef5cd31d502e47ecb61183f74a504fe04c51e73df81f2"
          + "5c4d506b26db4517490103f84eb840ca634cae0d49acb401d8a4c6b6fe8c55b70d115bf400769cc1400f"
          + "3258cd31387574077f301b421bc84df7266c44e9e6d569fc56be00812904767bf5ccd1fc7f8443b9a355"
          + "82999983999999280dc62cc8255c73471e0a61da0c89acdc0e035e260add7fc0c04ad9ebf3919644c91c"
          + "b247affc82b69bd2ca235c71eab8e49737c937a2c396";
  private static final String NEIGHBORS =
      "c679fc8fe0b8b12f06577f2e802d34f6fa257e6137a995f6f4cbfc9ee50ed3710faf6e66f932c4c8d81d64343f"
          + "429651328758b47d3dbc02c4042f0fff6946a50f4a49037a72bb550f3a7872363a83e1b9ee6469856c24"
          + "eb4ef80b7535bcf99c0004f9015bf90150f84d846321163782115c82115db8403155e1427f85f10a5c9a"
          + "7755877748041af1bcd8d474ec065eb33df57a97babf54bfd2103575fa829115d224c523596b401065a9"
          + "7f74010610fce76382c0bf32f84984010203040101b840312c55512422cf9b8a4097e9a6ad79402e87a1"
          + "5ae909a4bfefa22398f03d20951933beea1e4dfa6f968212385e829f04c2d314fc2d4e255e0d3bc08792"
          + "b069dbf8599020010db83c4d001500000000abcdef12820d05820d05b84038643200b172dcfef8574921"
          + "56971f0e6aa2c538d8b74010f8e140811d53b98c765dd2d96126051913f44582e8c199ad7c6d6819e9a5"
          + "6483f637feaac9448aacf8599020010db885a308d313198a2e037073488203e78203e8b8408dcab8618c"
          + "3253b558d459da53bd8fa68935a719aff8b811197101a4b2b47dd2d47295286fc00cc081bb542d760717"
          + "d1bdd6bec2c37cd72eca367d6dd3b9df738443b9a355010203b525a138aa34383fec3d2719a0";

  private static V4Codec.Received read(String hex) throws MalformedPacketException {
    byte[] datagram = HexFormat.of().parseHex(hex);
    assertThat(V4Codec.matches(datagram)).isTrue();
    V4Codec.Received received = V4Codec.decode(datagram);
    assertThat(received.recoverSender()).isEqualTo(PUBLIC_KEY);
    return received;
  }

  private static InetAddress ip(int... parts) {
    byte[] bytes = new byte[parts.length];
    for (int i = 0; i < parts.length; i++) {
      bytes[i] = (byte) parts[i];
    }
    return Addresses.of(bytes);
  }

  @Test
  void thePingsOfTheEipAreRead() throws Exception {
    InetAddress loopback6 = ip(0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1);
    Endpoint from = new Endpoint(ip(127, 0, 0, 1), 3322, 5544);
    Endpoint to = new Endpoint(loopback6, 2222, 3333);
    assertThat(read(PING).packet()).isEqualTo(new Ping(from, to, EXPIRATION, 0));
    assertThat(read(PING_WITH_EXTRAS).packet()).isEqualTo(new Ping(from, to, EXPIRATION, 1));
  }

  /** The signature differs: the vector was not signed by RFC 6979. */
  @Test
  void thePingOfTheEipIsWritten() throws Exception {
    V4Packet ping = read(PING).packet();
    byte[] written = V4Codec.encode(ping, KEY).bytes();
    assertThat(HexFormat.of().formatHex(written).substring(2 * 97))
        .isEqualTo(PING.substring(2 * 97));
  }

  @Test
  void theFindNodeOfTheEipIsRead() throws Exception {
    assertThat(read(FIND_NODE).packet()).isEqualTo(new FindNode(PUBLIC_KEY, EXPIRATION));
  }

  @Test
  void theNeighborsOfTheEipAreRead() throws Exception {
    Neighbors neighbors = (Neighbors) read(NEIGHBORS).packet();
    assertThat(neighbors.expiration()).isEqualTo(EXPIRATION);
    assertThat(neighbors.nodes()).hasSize(4);
    Node first = neighbors.nodes().get(0);
    assertThat(first.address()).isEqualTo(ip(99, 33, 22, 55));
    assertThat(first.udpPort()).isEqualTo(4444);
    assertThat(first.tcpPort()).isEqualTo(4445);
    assertThat(neighbors.nodes().get(3).udpPort()).isEqualTo(999);
  }

  @Test
  void everyKindOfPacketRoundTrips() throws Exception {
    Endpoint endpoint = new Endpoint(ip(1, 2, 3, 4), 30_303, 30_304);
    NodeRecord record = NodeRecord.sign(9, Map.of(), KEY);
    Node node = new Node(PUBLIC_KEY, ip(5, 6, 7, 8), 1, 2);
    for (V4Packet packet :
        List.of(
            new Ping(endpoint, endpoint, EXPIRATION, 0),
            new Ping(endpoint, endpoint, EXPIRATION, 17),
            new Pong(endpoint, Hash.keccak(KEY), EXPIRATION, 5),
            new FindNode(PUBLIC_KEY, EXPIRATION),
            new Neighbors(List.of(node, node), EXPIRATION),
            new Neighbors(List.of(), EXPIRATION),
            new EnrRequest(EXPIRATION),
            new EnrResponse(Hash.keccak(KEY), record.encoded()))) {
      V4Codec.Sealed sealed = V4Codec.encode(packet, KEY);
      V4Codec.Received received = read(HexFormat.of().formatHex(sealed.bytes()));
      assertThat(received.packet()).isEqualTo(packet);
      assertThat(received.hash()).isEqualTo(sealed.hash());
    }
  }

  @Test
  void twelveNodesFitIntoAPacket() {
    InetAddress longest = ip(0x20, 1, 0x48, 0x60, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2);
    List<Node> nodes = new ArrayList<>();
    for (int i = 0; i < Neighbors.MAX_NODES; i++) {
      nodes.add(new Node(PUBLIC_KEY, longest, 65_535, 65_535));
    }
    byte[] packet = V4Codec.encode(new Neighbors(nodes, Long.MAX_VALUE), KEY).bytes();
    assertThat(packet.length).isLessThanOrEqualTo(V4Codec.MAX_BYTES);
    assertThat(V4Codec.matches(packet)).isTrue();
  }

  @Test
  void aDatagramWithAWrongHashOrSizeIsOfAnotherProtocol() {
    byte[] ping = HexFormat.of().parseHex(PING);
    for (int bit = 0; bit < 8 * ping.length; bit += 7) {
      byte[] flipped = ping.clone();
      flipped[bit / 8] ^= (byte) (1 << bit % 8);
      assertThat(V4Codec.matches(flipped)).isFalse();
    }
    for (int length = 0; length < ping.length; length++) {
      assertThat(V4Codec.matches(Arrays.copyOf(ping, length))).isFalse();
    }
    byte[] longest = V4Codec.seal(new byte[V4Codec.MAX_BYTES - 97], KEY).bytes();
    assertThat(V4Codec.matches(longest)).isTrue();
    byte[] tooLong = V4Codec.seal(new byte[V4Codec.MAX_BYTES - 96], KEY).bytes();
    assertThat(V4Codec.matches(tooLong)).isFalse();
  }

  @Test
  void aSignatureWithoutAKeyIsRejected() throws Exception {
    byte[] datagram = HexFormat.of().parseHex(PING);
    datagram[96] = 29; // the recovery id
    V4Codec.Received received = V4Codec.decode(datagram);
    assertThatThrownBy(received::recoverSender)
        .isInstanceOf(MalformedPacketException.class)
        .hasMessage("wrong signature");
  }

  @Test
  void unknownTypesAreRejected() {
    for (int type : new int[] {0, 7, 16, 255}) {
      byte[] content = new RlpWriter().rawByte(type).list(list -> list.number(1)).toArray();
      byte[] datagram = V4Codec.seal(content, KEY).bytes();
      assertThatThrownBy(() -> V4Codec.decode(datagram))
          .isInstanceOf(MalformedPacketException.class)
          .hasMessage("unknown packet type");
    }
  }

  @Test
  void valuesOutOfRangeAreRejected() {
    byte[] ip = {1, 2, 3, 4};
    for (byte[] content :
        List.of(
            pong(new byte[] {1, 2, 3}, 1, 32),
            pong(ip, 65_536, 32),
            pong(ip, 1, 31),
            new RlpWriter()
                .rawByte(FindNode.TYPE)
                .list(list -> list.bytes(new byte[63]).number(1))
                .toArray(),
            new RlpWriter().rawByte(EnrRequest.TYPE).list(list -> {}).toArray(),
            new RlpWriter().rawByte(EnrRequest.TYPE).number(1).toArray())) {
      byte[] datagram = V4Codec.seal(content, KEY).bytes();
      assertThatThrownBy(() -> V4Codec.decode(datagram))
          .isInstanceOf(MalformedPacketException.class);
    }
  }

  private static byte[] pong(byte[] ip, long port, int hashBytes) {
    return new RlpWriter()
        .rawByte(Pong.TYPE)
        .list(
            list ->
                list.list(to -> to.bytes(ip).number(port).number(0))
                    .bytes(new byte[hashBytes])
                    .number(1))
        .toArray();
  }

  @Test
  void randomInputIsRejectedOrRead() {
    Random random = new Random(4);
    String[] vectors = {PING, PING_WITH_EXTRAS, FIND_NODE, NEIGHBORS};
    int rejected = 0;
    for (int i = 0; i < 4_000; i++) {
      byte[] input = HexFormat.of().parseHex(vectors[random.nextInt(vectors.length)]);
      for (int change = random.nextInt(6); change >= 0; change--) {
        input[97 + random.nextInt(input.length - 97)] = (byte) random.nextInt();
      }
      try {
        assertThat(V4Codec.decode(input).packet()).isNotNull();
      } catch (MalformedPacketException malformed) {
        assertThat(malformed.getMessage()).hasSizeLessThan(200);
        rejected++;
      }
    }
    assertThat(rejected).isBetween(500, 3_900);
  }
}
