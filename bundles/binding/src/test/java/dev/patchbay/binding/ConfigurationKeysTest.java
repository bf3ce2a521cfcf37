// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.binding;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;

class ConfigurationKeysTest {
  @interface Config {
    int port();

    int max_body_bytes();
  }

  @Test
  void namesWhatTheComponentDoesNotKnow() {
    Map<String, Object> properties =
        Map.of(
            "port",
            1,
            "max.body.bytes",
            2,
            "prot",
            3,
            "service.pid",
            "x",
            "felix.fileinstall.filename",
            "y");
    assertThat(ConfigurationKeys.unknown(properties, Config.class)).containsExactly("prot");
    assertThat(ConfigurationKeys.known(Config.class)).containsExactly("max.body.bytes", "port");
    List<String> warnings = new ArrayList<>();
    ConfigurationKeys.report("a.component", properties, Config.class, warnings::add);
    assertThat(warnings)
        .containsExactly("a.component: unknown key prot; known are [max.body.bytes, port]");
  }
}
