// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.rpc.server;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.ByteArrayInputStream;
import java.io.EOFException;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class JsonFramesTest {
  private final MemoryBudget memory = new MemoryBudget(100_000);

  private List<String> cut(String text) throws IOException {
    return cut(text, 64);
  }

  private List<String> cut(String text, int most) throws IOException {
    InputStream in = new ByteArrayInputStream(text.getBytes(StandardCharsets.UTF_8));
    JsonFrames frames = new JsonFrames(in, most);
    List<String> out = new ArrayList<>();
    while (true) {
      try (MemoryBudget.Account account = memory.open()) {
        byte[] message = frames.next(account);
        if (message == null) {
          return out;
        }
        out.add(new String(message, StandardCharsets.UTF_8));
      }
    }
  }

  @Test
  void messagesFollowOneAnother() throws IOException {
    assertThat(cut("{\"a\":[1,{}]}[2]\n {\"b\":\"}]\"}"))
        .containsExactly("{\"a\":[1,{}]}", "[2]", "{\"b\":\"}]\"}");
    assertThat(cut("{\"a\":\"\\\"}\"}{\"b\":\"\\\\\"}"))
        .containsExactly("{\"a\":\"\\\"}\"}", "{\"b\":\"\\\\\"}");
    assertThat(cut("  \n")).isEmpty();
  }

  @ParameterizedTest
  @ValueSource(strings = {"x", "{", "{\"a", "]", "1", "[1] x", "{\"a\":\"b"})
  void whatIsNoMessageEndsTheStream(String text) {
    assertThatThrownBy(() -> cut(text)).isInstanceOf(IOException.class);
  }

  @Test
  void aMessageWithoutMemoryIsSkipped() throws IOException {
    String small = "[" + "1,".repeat(20_000) + "1]";
    String large = "[\"" + "[".repeat(200_000) + "\"]";
    assertThat(cut(small + large + "{}" + small, 1_000_000))
        .containsExactly(small, "", "{}", small);
    MemoryBudget.Account others = memory.open();
    assertThat(others.tryGrow(MemoryBudget.FREE_BYTES + 99_000)).isTrue();
    assertThat(cut("{}" + small + "[]", 1_000_000)).containsExactly("{}", "", "[]");
    assertThat(memory.used()).isEqualTo(99_000);
    assertThatThrownBy(() -> cut(large, 100_000)).hasMessageContaining("100000");
  }

  @Test
  void anUnfinishedMessageIsCounted() throws IOException {
    InputStream endless =
        new InputStream() {
          private int sent;

          @Override
          public int read() {
            assertThat(memory.used())
                .isGreaterThanOrEqualTo(2L * (sent - 4_096) - MemoryBudget.FREE_BYTES);
            return sent++ < 50_000 ? '[' : -1;
          }
        };
    try (MemoryBudget.Account account = memory.open()) {
      assertThatThrownBy(() -> new JsonFrames(endless, 1_000_000).next(account))
          .isInstanceOf(EOFException.class);
    }
    assertThat(memory.used()).isZero();
  }

  @Test
  void aMessageIsBounded() {
    assertThatThrownBy(() -> cut("[" + "1,".repeat(40) + "1]")).hasMessageContaining("64");
  }
}
