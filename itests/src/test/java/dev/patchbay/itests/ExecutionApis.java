// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.itests;

import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.apache.commons.compress.archivers.tar.TarArchiveEntry;
import org.apache.commons.compress.archivers.tar.TarArchiveInputStream;
import org.tukaani.xz.XZInputStream;

/** The pack of execution-apis: a genesis, a chain of 54 blocks, and conversations about it. */
final class ExecutionApis {
  private ExecutionApis() {}

  /** Returns the folder that holds the packs and the benchmarks' chains. */
  static Path shared() {
    String vectors = System.getenv("PATCHBAY_VECTORS");
    return vectors == null
        ? Node.ROOT.resolve("../shared").toAbsolutePath().normalize()
        : Path.of(vectors).resolveSibling(".").normalize();
  }

  /** Unpacks everything below a folder; the test is skipped when the pack is absent. */
  static void unpack(Path folder) throws IOException {
    Path pack = shared().resolve("vectors/execution-apis.tar.xz");
    assumeTrue(
        Files.exists(pack),
        "SKIPPED: " + pack + " is absent; set PATCHBAY_VECTORS to the folder with the packs");
    try (TarArchiveInputStream tar =
        new TarArchiveInputStream(new XZInputStream(Files.newInputStream(pack)))) {
      for (TarArchiveEntry entry = tar.getNextEntry(); entry != null; entry = tar.getNextEntry()) {
        String name = entry.getName();
        Path file = folder.resolve(name.substring(name.indexOf('/') + 1));
        if (!entry.isDirectory()) {
          Files.createDirectories(file.getParent());
          Files.write(file, tar.readAllBytes());
        }
      }
    }
  }
}
