// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.rpc.server;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class JsonFramesTest {
  private static List<String> cut(String text) throws IOException {
    JsonFrames frames =
        new JsonFrames(new ByteArrayInputStream(text.getBytes(StandardCharsets.UTF_8)), 64);
    List<String> out = new ArrayList<>();
    for (byte[] message = frames.next(); message != null; message = frames.next()) {
      out.add(new String(message, StandardCharsets.UTF_8));
    }
    return out;
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
  void aMessageIsBounded() {
    assertThatThrownBy(() -> cut("[" + "1,".repeat(40) + "1]")).hasMessageContaining("64");
  }
}
