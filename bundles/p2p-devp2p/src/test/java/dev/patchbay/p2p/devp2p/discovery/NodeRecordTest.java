// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.p2p.devp2p.discovery;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.patchbay.crypto.Keccak;
import dev.patchbay.crypto.Secp256k1;
import dev.patchbay.primitives.Bytes;
import dev.patchbay.primitives.ForkId;
import dev.patchbay.primitives.rlp.RlpWriter;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.Map;
import java.util.Objects;
import java.util.Random;
import org.junit.jupiter.api.Test;

/** Node records: the vector of EIP-778, and what must be rejected. */
class NodeRecordTest {
  private static final byte[] KEY =
      HexFormat.of().parseHex("b71c71a67e1177ad4e901695e1b4b9ee17ae16c6668d313eac2f96dbcda3f291");
  private static final String VECTOR =
      "enr:-IS4QHCYrYZbAKWCBRlAy5zzaDZXJBGkcnh4MHcBFZntXNFrdvJjX04jRzjzCBOonrkTfj499SZuOh8R33Ls"
          + "8RRcy5wBgmlkgnY0gmlwhH8AAAGJc2VjcDI1NmsxoQPKY0yuDUmstAHYpMa2_oxVtw0RW_QAdpzBQA8yWM0x"
          + "OIN1ZHCCdl8";
  private static final Map<String, Bytes> ENTRIES =
      Map.of("ip", NodeRecord.rlp(new byte[] {127, 0, 0, 1}), "udp", NodeRecord.rlp(30_303));

  @Test
  void theVectorOfTheEipIsRead() {
    NodeRecord record = NodeRecord.parse(VECTOR);
    assertThat(record.seq()).isEqualTo(1);
    assertThat(record.id())
        .hasToString("0xa448f24c6d18e575453db13171562b71999873db5b286df957af199ec94617f7");
    Node node = Objects.requireNonNull(record.node());
    assertThat(node.address().getHostAddress()).isEqualTo("127.0.0.1");
    assertThat(node.udpPort()).isEqualTo(30_303);
    assertThat(node.tcpPort()).isZero();
    assertThat(node.publicKey()).isEqualTo(Bytes.wrap(Secp256k1.publicKey(KEY)));
    assertThat(record).hasToString(VECTOR);
  }

  @Test
  void theVectorOfTheEipIsWritten() {
    assertThat(NodeRecord.sign(1, ENTRIES, KEY)).hasToString(VECTOR);
  }

  @Test
  void entriesOfSubProtocolsAreKept() {
    Map<String, Bytes> entries = EthEntry.of(new ForkId(0xfc64ec04, 1_150_000));
    NodeRecord read = NodeRecord.parse(NodeRecord.sign(7, entries, KEY).toString());
    assertThat(read.entries()).containsAllEntriesOf(entries);
    assertThat(read.node()).isNull();
    assertThat(read.seq()).isEqualTo(7);
  }

  @Test
  void anIp6EndpointHasItsOwnPortsOrThoseOfIp4() {
    byte[] address = HexFormat.of().parseHex("20014860486000000000000000008888");
    Bytes ip6 = NodeRecord.rlp(address);
    NodeRecord own =
        NodeRecord.sign(
            1, Map.of("ip6", ip6, "udp6", NodeRecord.rlp(9000), "udp", NodeRecord.rlp(1)), KEY);
    assertThat(Objects.requireNonNull(own.node()).udpPort()).isEqualTo(9000);
    NodeRecord shared = NodeRecord.sign(1, Map.of("ip6", ip6, "udp", NodeRecord.rlp(9001)), KEY);
    assertThat(Objects.requireNonNull(shared.node()).udpPort()).isEqualTo(9001);
  }

  @Test
  void aMalformedEndpointIsNone() {
    Bytes ip = NodeRecord.rlp(new byte[] {1, 2, 3});
    assertThat(NodeRecord.sign(1, Map.of("ip", ip), KEY).node()).isNull();
    Map<String, Bytes> port =
        Map.of("ip", NodeRecord.rlp(new byte[] {1, 2, 3, 4}), "udp", NodeRecord.rlp(70_000));
    assertThat(NodeRecord.sign(1, port, KEY).node()).isNull();
  }

  @Test
  void aRecordHasAtMost300Bytes() {
    int longestValue =
        300 - NodeRecord.sign(1, Map.of("x", value(160)), KEY).encoded().size() + 160;
    NodeRecord longest = NodeRecord.sign(1, Map.of("x", value(longestValue)), KEY);
    assertThat(longest.encoded().size()).isEqualTo(NodeRecord.MAX_BYTES);
    assertThat(NodeRecord.parse(longest.toString())).isEqualTo(longest);
    assertThatThrownBy(() -> NodeRecord.sign(1, Map.of("x", value(longestValue + 1)), KEY))
        .hasMessageContaining("at most 300");
    byte[] tooLong = raw("id", "v4", "secp256k1", key(), "x", text(longestValue + 1));
    assertThat(tooLong).hasSize(301);
    assertThatThrownBy(() -> NodeRecord.decode(tooLong)).hasMessageContaining("at most 300");
  }

  private static Bytes value(int length) {
    return NodeRecord.rlp(new byte[length]);
  }

  private static String text(int length) {
    return "\0".repeat(length);
  }

  private static String key() {
    byte[] compressed = Secp256k1.compress(Secp256k1.publicKey(KEY));
    return new String(compressed, StandardCharsets.ISO_8859_1);
  }

  /** Returns a correctly signed record of these items, whatever they are. */
  private static byte[] raw(String... items) {
    RlpWriter writer = new RlpWriter().number(1);
    for (String item : items) {
      writer.bytes(item.getBytes(StandardCharsets.ISO_8859_1));
    }
    byte[] content = writer.toArray();
    byte[] signed = new RlpWriter().list(list -> list.raw(content)).toArray();
    Secp256k1.Signature signature = Secp256k1.sign(Keccak.hash256(signed), KEY);
    byte[] compact = Arrays.copyOf(signature.r(), 64);
    System.arraycopy(signature.s(), 0, compact, 32, 32);
    return new RlpWriter().list(list -> list.bytes(compact).raw(content)).toArray();
  }

  @Test
  void keysAreSortedAndUnique() {
    assertThat(NodeRecord.decode(raw("a", "1", "id", "v4", "secp256k1", key())).seq()).isEqualTo(1);
    assertThatThrownBy(() -> NodeRecord.decode(raw("id", "v4", "a", "1", "secp256k1", key())))
        .hasMessageContaining("not sorted and unique");
    assertThatThrownBy(() -> NodeRecord.decode(raw("id", "v4", "id", "v4", "secp256k1", key())))
        .hasMessageContaining("not sorted and unique");
  }

  @Test
  void otherIdentitySchemesAndKeysAreRejected() {
    assertThatThrownBy(() -> NodeRecord.decode(raw("id", "v5", "secp256k1", key())))
        .hasMessageContaining("identity scheme");
    assertThatThrownBy(() -> NodeRecord.decode(raw("secp256k1", key())))
        .hasMessageContaining("identity scheme");
    assertThatThrownBy(() -> NodeRecord.decode(raw("id", "v4")))
        .hasMessageContaining("no valid secp256k1 key");
    String notOnCurve = "\2" + "\u00ff".repeat(32);
    assertThatThrownBy(() -> NodeRecord.decode(raw("id", "v4", "secp256k1", notOnCurve)))
        .hasMessageContaining("no valid secp256k1 key");
    assertThatThrownBy(() -> NodeRecord.decode(raw("id", "v4", "secp256k1")))
        .isInstanceOf(IllegalArgumentException.class);
  }

  @Test
  void everyFlippedBitIsDetected() {
    byte[] encoded = NodeRecord.parse(VECTOR).encoded().toArray();
    for (int bit = 0; bit < 8 * encoded.length; bit++) {
      byte[] flipped = encoded.clone();
      flipped[bit / 8] ^= (byte) (1 << bit % 8);
      assertThatThrownBy(() -> NodeRecord.decode(flipped))
          .isInstanceOf(IllegalArgumentException.class);
    }
    assertThatThrownBy(() -> NodeRecord.decode(Arrays.copyOf(encoded, encoded.length + 1)))
        .isInstanceOf(IllegalArgumentException.class);
  }

  @Test
  void onlyTheTextFormIsParsed() {
    for (String text :
        new String[] {
          VECTOR + "=", VECTOR.substring(4), "enr:", "enr:%", "enr:" + "A".repeat(401), ""
        }) {
      assertThatThrownBy(() -> NodeRecord.parse(text)).isInstanceOf(IllegalArgumentException.class);
    }
  }

  @Test
  void randomInputIsRejectedOrRoundTrips() {
    Random random = new Random(778);
    byte[] valid = NodeRecord.parse(VECTOR).encoded().toArray();
    int rejected = 0;
    for (int i = 0; i < 2_000; i++) {
      byte[] input = random.nextBoolean() ? valid.clone() : new byte[random.nextInt(310)];
      if (input.length != valid.length) {
        random.nextBytes(input);
      }
      for (int change = random.nextInt(4); change >= 0 && input.length > 0; change--) {
        input[random.nextInt(input.length)] = (byte) random.nextInt();
      }
      try {
        assertThat(NodeRecord.decode(input).encoded()).isEqualTo(Bytes.wrap(input));
      } catch (IllegalArgumentException malformed) {
        rejected++;
      }
    }
    assertThat(rejected).isGreaterThan(1_900);
  }
}
