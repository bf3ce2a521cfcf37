// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.rpc.server;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.json.JsonMapper;
import dev.patchbay.api.rpc.RpcConstant;
import dev.patchbay.api.rpc.SharedCache;
import java.util.HashMap;
import java.util.Map;
import java.util.concurrent.atomic.AtomicInteger;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

/** What is kept, and for how long. */
class ConstantsTest {
  private final AtomicInteger asked = new AtomicInteger();
  private @Nullable SharedCache shared;

  /** A shared cache that keeps everything. */
  private static final class Kept implements SharedCache {
    private final Map<String, byte[]> entries = new HashMap<>();

    @Override
    public byte @Nullable [] get(String key) {
      return entries.get(key);
    }

    @Override
    public void put(String key, byte[] json) {
      entries.put(key, json);
    }

    @Override
    public Statistics statistics() {
      throw new UnsupportedOperationException();
    }
  }

  private String json(Constants constants, String key, int length) throws Exception {
    RpcConstant constant =
        new RpcConstant(
            key,
            () -> {
              asked.incrementAndGet();
              return key + "-".repeat(length);
            });
    return new String(constants.of(constant, shared), java.nio.charset.StandardCharsets.UTF_8);
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

  @Test
  void whatAnotherNodeHasMadeIsNotMadeAgain() throws Exception {
    Kept kept = new Kept();
    shared = kept;
    json(new Constants(new JsonMapper(), 1 << 16), "a", 1);
    assertThat(kept.entries).containsOnlyKeys("a");
    Constants other = new Constants(new JsonMapper(), 1 << 16);
    assertThat(json(other, "a", 1)).isEqualTo("\"a-\"");
    assertThat(asked).hasValue(1);
    kept.entries.clear();
    assertThat(json(other, "a", 1)).as("of its own cache").isEqualTo("\"a-\"");
    assertThat(asked).hasValue(1);
  }
}
