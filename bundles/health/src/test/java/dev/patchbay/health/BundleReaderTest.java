// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.health;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;

class BundleReaderTest {
  @Test
  void aRequirementIsNamedWithItsVersions() {
    assertThat(
            BundleReader.shown(
                "osgi.wiring.package",
                "(&(osgi.wiring.package=a.b)(version>=1.0.0)(!(version>=2.0.0)))"))
        .isEqualTo("the package a.b with (version>=1.0.0)(!(version>=2.0.0))");
    assertThat(BundleReader.shown("osgi.wiring.package", "(osgi.wiring.package=a.b)"))
        .isEqualTo("the package a.b");
    assertThat(BundleReader.shown("osgi.extender", "(&(osgi.extender=x)(version=1.0.0))"))
        .isEqualTo("osgi.extender x with (version=1.0.0)");
    assertThat(BundleReader.shown("com.example", "(color=red)"))
        .isEqualTo("com.example (color=red)");
  }
}
