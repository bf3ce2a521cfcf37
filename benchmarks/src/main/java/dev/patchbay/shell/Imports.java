// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.shell;

import dev.patchbay.api.chain.BlockImporter;
import dev.patchbay.api.chain.ChainReader;
import dev.patchbay.primitives.Block;
import java.io.IOException;
import java.io.PrintStream;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/** Imports chain files as the command does, outside of a container. */
public final class Imports {
  private Imports() {}

  /** Imports all of a file. */
  public static void run(ChainReader chain, BlockImporter importer, Path file, PrintStream progress)
      throws IOException, InterruptedException {
    new ChainImport(chain, importer, progress).run(file);
  }

  /** Returns the first blocks of a file. */
  public static List<Block> blocks(Path file, int count) throws IOException {
    List<Block> out = new ArrayList<>();
    try (ChainFile chain = new ChainFile(file)) {
      for (Block next = chain.next(); next != null && out.size() < count; next = chain.next()) {
        out.add(next);
      }
    }
    return out;
  }
}
