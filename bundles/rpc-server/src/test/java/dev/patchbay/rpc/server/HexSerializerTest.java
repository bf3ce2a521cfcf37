// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.rpc.server;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.json.JsonMapper;
import com.fasterxml.jackson.databind.module.SimpleModule;
import dev.patchbay.primitives.Bytes;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Random;
import org.junit.jupiter.api.Test;

class HexSerializerTest {
  private final JsonMapper json =
      JsonMapper.builder().addModule(new SimpleModule().addSerializer(new HexSerializer())).build();

  private static Bytes random(int size) {
    byte[] bytes = new byte[size];
    new Random(size).nextBytes(bytes);
    return Bytes.wrap(bytes);
  }

  @Test
  void bytesAreToldAsTheirTextIs() throws Exception {
    List<Bytes> values = new ArrayList<>();
    // beside Jackson's buffer and beyond it, the longest a blob; short ones after long ones
    for (int size : new int[] {0, 1, 32, 600, 3_998, 3_999, 4_000, 5, 131_072, 0, 20}) {
      values.add(random(size));
    }
    byte[] written = json.writeValueAsBytes(Map.of("values", values));
    List<String> texts = values.stream().map(Bytes::toString).toList();
    assertThat(written).isEqualTo(json.writeValueAsBytes(Map.of("values", texts)));
  }
}
