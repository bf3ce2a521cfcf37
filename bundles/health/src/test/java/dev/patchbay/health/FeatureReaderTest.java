// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.health;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;

class FeatureReaderTest {
  @Test
  void aMavenUrlHasAPathInARepository() {
    assertThat(FeatureReader.path("mvn:org.fusesource.jansi/jansi/2.4.2"))
        .isEqualTo("org/fusesource/jansi/jansi/2.4.2/jansi-2.4.2.jar");
    assertThat(FeatureReader.path("file:/tmp/a.jar")).isEmpty();
    assertThat(FeatureReader.path("mvn:group/artifact/1/jar/classifier")).isEmpty();
  }
}
