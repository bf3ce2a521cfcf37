// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.itests;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/** Builds the bundles of third parties in {@code examples}. */
final class Examples {
  private static final Path ROOT = Node.ROOT.toAbsolutePath().normalize();

  /** Whether the contracts are in the local repository; they are the same for all examples. */
  private static boolean contractsInstalled;

  private Examples() {}

  /**
   * Builds an example by its own pom; the contracts of this build stand in for a released version.
   * Returns the URL of its bundle.
   */
  static synchronized String build(String name) throws Exception {
    if (!contractsInstalled) {
      installContracts();
      contractsInstalled = true;
    }
    Path project = ROOT.resolve("examples").resolve(name);
    maven("-f", project.resolve("pom.xml").toString(), "package");
    return project.resolve("target/" + name + "-1.0.0.jar").toUri().toString();
  }

  private static void installContracts() throws Exception {
    for (String pom :
        new String[] {
          "pom.xml", "bundles/crypto/pom.xml", "bundles/primitives/pom.xml", "bundles/api/pom.xml"
        }) {
      String name =
          pom.equals("pom.xml") ? "patchbay" : Path.of(pom).getParent().getFileName().toString();
      Path jar = ROOT.resolve(pom).resolveSibling("target/" + name + "-0.1.0-SNAPSHOT.jar");
      boolean packed = Files.exists(jar);
      maven(
          "org.apache.maven.plugins:maven-install-plugin:3.1.4:install-file",
          "-Dfile=" + (packed ? jar : ROOT.resolve(pom)),
          "-DpomFile=" + ROOT.resolve(pom),
          "-Dpackaging=" + (packed ? "jar" : "pom"));
    }
  }

  private static void maven(String... arguments) throws Exception {
    List<String> command = new ArrayList<>(List.of("mvn", "-B", "-q", "-ntp"));
    command.addAll(List.of(arguments));
    assertThat(Journeys.run(ROOT, Map.of(), command)).as(command.toString()).isZero();
  }
}
