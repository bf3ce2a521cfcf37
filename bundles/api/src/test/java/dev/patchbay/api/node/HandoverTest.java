// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.api.node;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.HashMap;
import java.util.Map;
import org.junit.jupiter.api.Test;

/** What parts of this version can rely on while the service is of an older one. */
class HandoverTest {
  @Test
  void aServiceOfAnOlderVersionKeepsStateThatNeedsAnEnd() {
    Map<String, Object> kept = new HashMap<>();
    Handover older =
        new Handover() {
          @Override
          public void put(String name, Object state) {
            kept.put(name, state);
          }

          @Override
          public Object take(String name) {
            return kept.remove(name);
          }
        };
    older.put(
        "rpc-eth.events",
        1,
        () -> {
          throw new AssertionError("the state was not dropped");
        });
    assertThat(older.take("rpc-eth.events")).isEqualTo(1);
  }
}
