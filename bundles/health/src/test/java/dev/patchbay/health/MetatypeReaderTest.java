// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.health;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.ByteArrayInputStream;
import java.nio.charset.StandardCharsets;
import java.util.Map;
import java.util.Set;
import org.junit.jupiter.api.Test;

class MetatypeReaderTest {
  @Test
  void theKeysOfEachConfigurationAreRead() throws Exception {
    String document =
        """
        <?xml version="1.0" encoding="UTF-8"?>
        <metatype:MetaData xmlns:metatype="http://www.osgi.org/xmlns/metatype/v1.2.0">
          <OCD id="One$Config" name="One" description="">
            <AD id="port" type="Integer" name="Port" description="TCP port"/>
            <AD id="max.body.bytes" type="Integer" name="Max" description="" default="1"/>
          </OCD>
          <OCD id="Two$Config" name="Two" description=""/>
          <Designate factoryPid="dev.patchbay.one">
            <Object ocdref="One$Config"/>
          </Designate>
          <Designate pid="dev.patchbay.two">
            <Object ocdref="Two$Config"/>
          </Designate>
        </metatype:MetaData>
        """;
    assertThat(
            MetatypeReader.parse(
                new ByteArrayInputStream(document.getBytes(StandardCharsets.UTF_8))))
        .isEqualTo(
            Map.of(
                "dev.patchbay.one", Set.of("port", "max.body.bytes"),
                "dev.patchbay.two", Set.of()));
  }
}
