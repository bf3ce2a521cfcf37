// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.shell;

import dev.patchbay.api.chain.BlockImporter;
import dev.patchbay.api.chain.ChainReader;
import java.io.IOException;
import java.io.PrintStream;
import java.nio.file.Path;

/** Imports chain files as the command does, outside of a container. */
public final class Imports {
  private Imports() {}

  /** Imports all of a file. */
  public static void run(ChainReader chain, BlockImporter importer, Path file, PrintStream progress)
      throws IOException, InterruptedException {
    new ChainImport(chain, importer, progress).run(file);
  }
}
