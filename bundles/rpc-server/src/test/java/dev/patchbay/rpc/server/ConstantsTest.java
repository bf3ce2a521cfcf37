// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.rpc.server;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.json.JsonMapper;
import dev.patchbay.api.rpc.RpcConstant;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;

/** What is kept, and for how long. */
class ConstantsTest {
  private final AtomicInteger asked = new AtomicInteger();

  private String json(Constants constants, String key, int length) throws Exception {
    RpcConstant constant =
        new RpcConstant(
            key,
            () -> {
              asked.incrementAndGet();
              return key + "-".repeat(length);
            });
    return new String(constants.of(constant), java.nio.charset.StandardCharsets.UTF_8);
  }

  @Test
  void aValueIsMadeOnce() throws Exception {
    Constants constants = new Constants(new JsonMapper(), 1 << 16);
    assertThat(json(constants, "a", 1)).isEqualTo("\"a-\"");
    assertThat(json(constants, "a", 1)).isEqualTo("\"a-\"");
    assertThat(json(constants, "b", 2)).isEqualTo("\"b--\"");
    assertThat(asked).hasValue(2);
  }

  @Test
  void aLongValueIsNotKept() throws Exception {
    Constants constants = new Constants(new JsonMapper(), 1 << 16);
    json(constants, "a", 1 << 13);
    json(constants, "a", 1 << 13);
    assertThat(asked).hasValue(2);
  }

  @Test
  void moreThanThereIsRoomForIsForgotten() throws Exception {
    Constants constants = new Constants(new JsonMapper(), 1 << 16);
    for (int i = 0; i < 100; i++) {
      json(constants, "a" + i, 7_000);
    }
    for (int i = 0; i < 100; i++) {
      json(constants, "a" + i, 7_000);
    }
    assertThat(asked.get()).isGreaterThan(185);
  }
}
