// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.rpc.server;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.Test;

class AnswerTest {
  private static byte[] piece(char of, int length) {
    byte[] bytes = new byte[length];
    Arrays.fill(bytes, (byte) of);
    return bytes;
  }

  private static String text(List<ByteBuffer> buffers) {
    StringBuilder out = new StringBuilder();
    buffers.forEach(buffer -> out.append(StandardCharsets.US_ASCII.decode(buffer.duplicate())));
    return out.toString();
  }

  @Test
  void shortPiecesGoTogether() {
    Answer batch =
        Answer.batch(List.of(Answer.of(piece('a', 2), piece('b', 1)), Answer.of(piece('c', 3))));
    assertThat(batch.buffers()).hasSize(1);
    assertThat(text(batch.line().buffers())).isEqualTo("[aab,ccc]\n");
    assertThat(new String(batch.toByteArray(), StandardCharsets.US_ASCII)).isEqualTo("[aab,ccc]");
    assertThat(batch.length()).isEqualTo(9);
  }

  @Test
  void aLongPieceIsNotCopied() {
    byte[] shared = piece('x', 600_000);
    Answer answer = Answer.of(piece('a', 1), shared, piece('b', 1));
    List<ByteBuffer> buffers = answer.buffers();
    assertThat(buffers)
        .extracting(ByteBuffer::remaining)
        .containsExactly(1, 262_144, 262_144, 75_712, 1);
    assertThat(buffers.subList(1, 4)).allMatch(buffer -> buffer.array() == shared);
    assertThat(text(buffers)).isEqualTo("a" + "x".repeat(600_000) + "b");
  }

  @Test
  void anEmptyAnswerHasNoBuffers() {
    assertThat(Answer.of().buffers()).isEmpty();
    assertThat(Answer.of().length()).isZero();
  }
}
