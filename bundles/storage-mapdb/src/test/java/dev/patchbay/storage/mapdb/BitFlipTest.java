// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.storage.mapdb;

import dev.patchbay.storage.tck.BitFlips;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.EnabledIfSystemProperty;
import org.junit.jupiter.api.io.TempDir;

/** Measures how many changed bits MapDB serves: {@code -Dflips=200}. */
class BitFlipTest {
  @TempDir private Path folder;

  @Test
  @EnabledIfSystemProperty(named = "flips", matches = "\\d+")
  void countsWrongResults() throws Exception {
    MapDbBackend backend = new MapDbBackend();
    System.out.println(
        new BitFlips(backend, folder)
            .run(Integer.getInteger("flips"), Integer.getInteger("seed", 18)));
    backend.deactivate();
  }
}
