// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.reference;

import static org.junit.jupiter.api.Assumptions.assumeTrue;

import com.fasterxml.jackson.core.StreamReadConstraints;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.json.JsonMapper;
import java.io.BufferedInputStream;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Predicate;
import org.apache.commons.compress.archivers.tar.TarArchiveEntry;
import org.apache.commons.compress.archivers.tar.TarArchiveInputStream;
import org.tukaani.xz.XZInputStream;

/**
 * The packs of public vectors: {@code PATCHBAY_VECTORS}, or {@code ../shared/vectors} beside the
 * repository.
 */
final class Vectors {
  private static final JsonMapper JSON =
      JsonMapper.builder(
              com.fasterxml.jackson.core.JsonFactory.builder()
                  .streamReadConstraints(
                      StreamReadConstraints.builder()
                          .maxStringLength(200_000_000)
                          .maxNumberLength(100_000)
                          .build())
                  .build())
          .build();

  private Vectors() {}

  /** Takes one file of a pack. */
  interface FileConsumer {
    void accept(String name, JsonNode content) throws IOException;
  }

  private static Path folder() {
    String configured = System.getenv("PATCHBAY_VECTORS");
    return configured != null
        ? Path.of(configured)
        : Path.of(System.getProperty("reference.root", ".."))
            .resolve("../shared/vectors")
            .normalize();
  }

  /** Returns one file in how many runs. */
  static int sample() {
    return Integer.getInteger("reference.sample", 40);
  }

  /**
   * Hands every chosen JSON file of a pack to {@code consumer}, one at a time; skips the test when
   * the pack is absent.
   */
  static void forEach(String pack, Predicate<String> chosen, FileConsumer consumer)
      throws IOException {
    try (TarArchiveInputStream tar = open(pack)) {
      for (TarArchiveEntry entry = tar.getNextEntry(); entry != null; entry = tar.getNextEntry()) {
        if (entry.isFile() && entry.getName().endsWith(".json") && chosen.test(entry.getName())) {
          consumer.accept(entry.getName(), JSON.readTree(tar.readAllBytes()));
        }
      }
    }
  }

  /**
   * Returns files of a pack by the last part of their names; skips the test when the pack is
   * absent.
   */
  static Map<String, byte[]> files(String pack, List<String> names) throws IOException {
    Map<String, byte[]> out = new HashMap<>();
    try (TarArchiveInputStream tar = open(pack)) {
      for (TarArchiveEntry entry = tar.getNextEntry(); entry != null; entry = tar.getNextEntry()) {
        String name = entry.getName().substring(entry.getName().lastIndexOf('/') + 1);
        if (entry.isFile() && names.contains(name)) {
          out.put(name, tar.readAllBytes());
        }
      }
    }
    return out;
  }

  private static TarArchiveInputStream open(String pack) throws IOException {
    Path file = folder().resolve(pack + ".tar.xz");
    assumeTrue(
        Files.exists(file),
        "SKIPPED: " + file + " is absent; set PATCHBAY_VECTORS to the folder with the packs");
    return new TarArchiveInputStream(
        new XZInputStream(new BufferedInputStream(Files.newInputStream(file), 1 << 16)));
  }
}
