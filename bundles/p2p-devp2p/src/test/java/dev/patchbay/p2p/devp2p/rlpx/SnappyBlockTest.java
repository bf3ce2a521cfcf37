// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.p2p.devp2p.rlpx;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.patchbay.api.p2p.PeerBreachException;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import io.netty.handler.codec.compression.Snappy;
import java.nio.charset.StandardCharsets;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Compression, against blocks written by hand from the format description. */
class SnappyBlockTest {
  private static final int MAX = 1 << 20;

  private static String text(String block) throws PeerBreachException {
    return new String(SnappyBlock.decompress(Eip8.hex(block), 0, MAX), StandardCharsets.US_ASCII);
  }

  @Test
  void fixedBlocksAreDecompressed() throws PeerBreachException {
    assertThat(text("00")).isEmpty();
    assertThat(SnappyBlock.decompress(Eip8.hex("0100c0"), 0, MAX)).isEqualTo(Eip8.hex("c0"));
    assertThat(text("0508" + "616263" + "04" + "6465")).isEqualTo("abcde"); // two literals
    assertThat(text("0a0061" + "1501")).isEqualTo("aaaaaaaaaa".substring(0, 10));
    assertThat(text("0804" + "6162" + "1602" + "00")).isEqualTo("abababab"); // 2-byte offset
    assertThat(text("0804" + "6162" + "1702" + "000000")).isEqualTo("abababab"); // 4-byte offset
    assertThat(text("03f002" + "616263")).isEqualTo("abc"); // length of a literal in a byte
  }

  @Test
  void pingIsCompressedAsOtherClientsDo() {
    assertThat(SnappyBlock.compress(Eip8.hex("c0"))).isEqualTo(Eip8.hex("0100c0"));
  }

  @Test
  void anythingThatIsCompressedIsDecompressed() throws PeerBreachException {
    Random random = new Random(2);
    int[] sizes = {0, 1, 2, 59, 60, 61, 255, 256, 257, 32_767, 32_768, 65_535, 65_536, 300_000};
    for (int size : sizes) {
      for (int alphabet : new int[] {1, 4, 256}) {
        byte[] content = new byte[size];
        for (int i = 0; i < size; i++) {
          content[i] = (byte) random.nextInt(alphabet);
        }
        byte[] block = SnappyBlock.compress(content);
        assertThat(block.length).isLessThanOrEqualTo(SnappyBlock.maxCompressedBytes(size));
        assertThat(SnappyBlock.decompress(block, 0, MAX)).isEqualTo(content);
      }
    }
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "", // no length
        "80808080", // a length without an end
        "ffffffff7f", // a length of more than 28 bits
        "81808000", // 1 more than it has
        "0400616200", // a literal that is cut
        "020061", // less content than the length
        "01046162", // more content than the length
        "0a00611502", // a copy from before the content
        "0a00611500", // an offset of 0
        "0a0061", // no content after a literal
        "0a006115", // a copy that is cut
        "0804616216ff", // an offset that is cut
        "08046162170200ffff", // an offset of more than 31 bits
        "06fcffffffff616263", // a literal of 4 GiB
        "06f8ffff", // a length that is cut
        "0100c000", // something after the content
        "808040" // 1 MiB of 0 bytes: a bomb
      })
  void malformedBlocksAreRefused(String block) {
    assertThatThrownBy(() -> SnappyBlock.decompress(Eip8.hex(block), 0, MAX))
        .isInstanceOf(PeerBreachException.class);
  }

  @Test
  void anyElementsAreReadAsNettyReadsThem() throws PeerBreachException {
    Random random = new Random(15);
    for (int i = 0; i < 1_000; i++) {
      ByteBuf elements = Unpooled.buffer();
      int length = 0;
      for (int count = 1 + random.nextInt(20); count > 0; count--) {
        length += element(random, elements, length);
      }
      ByteBuf block = Unpooled.buffer();
      block.writeByte(length & 0x7f | 0x80).writeByte(length >>> 7);
      block.writeBytes(elements);
      byte[] bytes = new byte[block.readableBytes()];
      block.getBytes(0, bytes);
      ByteBuf expected = Unpooled.buffer();
      new Snappy().decode(block, expected);
      assertThat(Unpooled.wrappedBuffer(SnappyBlock.decompress(bytes, 0, MAX))).isEqualTo(expected);
    }
  }

  /** Appends a random element; returns the length of its content. */
  private static int element(Random random, ByteBuf out, int written) {
    int kind = written == 0 ? 0 : random.nextInt(5);
    int length = 1 + random.nextInt(64);
    int offset = written == 0 ? 0 : 1 + random.nextInt(written);
    if (kind < 2) {
      byte[] literal = new byte[kind == 0 ? 1 + random.nextInt(60) : 1 + random.nextInt(256)];
      random.nextBytes(literal);
      if (kind == 0) {
        out.writeByte(literal.length - 1 << 2);
      } else {
        out.writeByte(60 << 2).writeByte(literal.length - 1);
      }
      out.writeBytes(literal);
      return literal.length;
    }
    if (kind == 2) {
      int near = 1 + random.nextInt(Math.min(written, 2_047));
      int few = 4 + random.nextInt(8);
      out.writeByte(near >>> 8 << 5 | few - 4 << 2 | 1).writeByte(near);
      return few;
    }
    out.writeByte(length - 1 << 2 | kind - 1);
    if (kind == 3) {
      out.writeShortLE(offset);
    } else {
      out.writeIntLE(offset);
    }
    return length;
  }

  @Test
  void aLengthAboveTheLimitIsRefusedBeforeDecompression() {
    byte[] block = SnappyBlock.compress(new byte[1001]);
    assertThatThrownBy(() -> SnappyBlock.decompress(block, 0, 1000))
        .isInstanceOf(PeerBreachException.class)
        .hasMessageContaining("1001")
        .hasMessageContaining("1000");
  }

  @Test
  void randomBlocksAreRefusedOrKeepTheirLength() {
    Random random = new Random(3);
    int refused = 0;
    for (int i = 0; i < 1_000; i++) {
      byte[] block = new byte[1 + random.nextInt(60)];
      random.nextBytes(block);
      block[0] = (byte) random.nextInt(64);
      try {
        assertThat(SnappyBlock.decompress(block, 0, MAX)).hasSize(block[0]);
      } catch (PeerBreachException malformed) {
        refused++;
      }
    }
    assertThat(refused).isPositive();
  }
}
