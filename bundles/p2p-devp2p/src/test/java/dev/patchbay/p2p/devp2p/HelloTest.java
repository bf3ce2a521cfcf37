// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.p2p.devp2p;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.patchbay.api.p2p.Capability;
import dev.patchbay.api.p2p.PeerBreachException;
import dev.patchbay.api.p2p.WireProtocol;
import dev.patchbay.primitives.Bytes;
import dev.patchbay.primitives.rlp.RlpReader;
import dev.patchbay.primitives.rlp.RlpWriter;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Random;
import java.util.Set;
import java.util.TreeSet;
import org.junit.jupiter.api.Test;

/** Hello, and the capabilities that two nodes have in common. */
class HelloTest {
  private static final Hello HELLO =
      Hello.of(
          "Patchbay/v0.1.0/linux-x86_64/java17",
          List.of(new Capability("snap", 1), new Capability("eth", 69), new Capability("eth", 68)),
          30_303,
          PeerManagerTest.node(1));

  @Test
  void itIsReadAsItWasWritten() throws PeerBreachException {
    assertThat(Hello.decode(HELLO.encode())).isEqualTo(HELLO);
    RlpReader items = RlpReader.of(HELLO.encode()).list();
    assertThat(items.number()).isEqualTo(5);
    items.skip();
    RlpReader capabilities = items.list();
    assertThat(capabilities.raw())
        .isEqualTo(new byte[] {(byte) 0xc5, (byte) 0x83, 'e', 't', 'h', 68});
    assertThat(items.number()).isEqualTo(30_303);
    assertThat(items.byteArray()).hasSize(64);
    items.expectEnd();
  }

  @Test
  void furtherItemsAndOddCapabilitiesAreIgnored() throws PeerBreachException {
    byte[] payload =
        new RlpWriter()
            .list(
                list ->
                    list.number(-1)
                        .bytes(
                            ("a\n\u001b\u00ff" + "x".repeat(600))
                                .getBytes(StandardCharsets.ISO_8859_1))
                        .list(
                            all ->
                                all.list(pair -> pair.bytes(text("eth")).number(68).number(1))
                                    .list(pair -> pair.bytes(text("longer-than-8")).number(1))
                                    .list(pair -> pair.bytes(text("a b")).number(1))
                                    .list(pair -> pair.bytes(text("")).number(1))
                                    .list(pair -> pair.bytes(text("big")).number(1L << 31)))
                        .number(70_000)
                        .bytes(new byte[64])
                        .bytes(new byte[9])
                        .list(more -> more.number(1)))
            .toArray();
    Hello read = Hello.decode(payload);
    assertThat(read.version()).isEqualTo(Integer.MAX_VALUE);
    assertThat(read.clientId()).hasSize(256).startsWith("a???x");
    assertThat(read.capabilities()).containsExactly(new Capability("eth", 68));
    assertThat(read.port()).isZero();
  }

  @Test
  void aPortWithALeadingZeroIsRead() throws PeerBreachException {
    assertThat(Hello.decode(withPort(new byte[] {0})).port()).isZero();
    assertThat(Hello.decode(withPort(new byte[0])).port()).isZero();
    assertThat(Hello.decode(withPort(new byte[] {0, 0x76, 0x5f})).port()).isEqualTo(30_303);
    assertThat(Hello.decode(withPort(new byte[] {(byte) 0xff, -1})).port()).isEqualTo(65_535);
    assertThat(Hello.decode(withPort(new byte[] {1, 0, 0})).port()).isZero();
  }

  private static byte[] withPort(byte[] port) {
    return new RlpWriter()
        .list(
            list -> list.number(5).bytes(text("c")).list(all -> {}).bytes(port).bytes(new byte[64]))
        .toArray();
  }

  private static byte[] text(String text) {
    return text.getBytes(StandardCharsets.US_ASCII);
  }

  @Test
  void tooManyCapabilitiesAreRefused() {
    byte[] payload =
        new RlpWriter()
            .list(
                list ->
                    list.number(5)
                        .bytes(text("c"))
                        .list(
                            all -> {
                              for (int i = 0; i < 129; i++) {
                                int version = i;
                                all.list(pair -> pair.bytes(text("eth")).number(version));
                              }
                            })
                        .number(0)
                        .bytes(new byte[64]))
            .toArray();
    assertThatThrownBy(() -> Hello.decode(payload)).isInstanceOf(PeerBreachException.class);
  }

  @Test
  void changedBytesAreRefusedOrRead() {
    Random random = new Random(11);
    int refused = 0;
    for (int i = 0; i < 1_000; i++) {
      byte[] payload = HELLO.encode();
      for (int changes = 1 + random.nextInt(3); changes > 0; changes--) {
        payload[random.nextInt(payload.length)] = (byte) random.nextInt(256);
      }
      try {
        assertThat(Hello.decode(payload).clientId()).hasSizeLessThanOrEqualTo(256);
      } catch (PeerBreachException malformed) {
        assertThat(malformed.getMessage()).hasSizeLessThan(200);
        refused++;
      }
    }
    assertThat(refused).isPositive();
  }

  @Test
  void theHighestCommonVersionOfEachNameIsUsed() {
    List<WireProtocol> own =
        List.of(
            new TestProtocol("eth", 68, 17),
            new TestProtocol("snap", 1, 8),
            new TestProtocol("eth", 69, 18),
            new TestProtocol("eth", 70, 18),
            new TestProtocol("istanbul", 100, 22),
            new TestProtocol("IBF", 1, 4));
    assertThat(describe(own, "eth/68", "eth/69", "eth/71", "istanbul/100"))
        .containsExactly("eth/69 from 16", "istanbul/100 from 34");
    assertThat(describe(own, "IBF/1", "snap/1", "eth/68"))
        .containsExactly("IBF/1 from 16", "eth/68 from 20", "snap/1 from 37");
    assertThat(describe(own, "les/4", "eth/67")).isEmpty();
  }

  private static List<String> describe(List<WireProtocol> own, String... remote) {
    Set<Capability> capabilities = new TreeSet<>();
    for (String one : remote) {
      int slash = one.indexOf('/');
      capabilities.add(
          new Capability(one.substring(0, slash), Integer.parseInt(one.substring(slash + 1))));
    }
    return SharedProtocol.match(own, capabilities).stream()
        .map(shared -> shared.capability() + " from " + shared.offset())
        .toList();
  }

  @Test
  void messageNumbersAreRlpIntegers() {
    assertThat(BaseMessages.frame(0, new byte[] {1})).isEqualTo(new byte[] {(byte) 0x80, 1});
    assertThat(BaseMessages.frame(127, new byte[0])).isEqualTo(new byte[] {127});
    assertThat(BaseMessages.frame(128, new byte[0]))
        .isEqualTo(new byte[] {(byte) 0x81, (byte) 0x80});
    assertThat(BaseMessages.frame(300, new byte[] {5}))
        .isEqualTo(new byte[] {(byte) 0x82, 1, 44, 5});
    assertThat(Bytes.of(BaseMessages.empty())).isEqualTo(Bytes.fromHex("0xc0"));
  }
}
