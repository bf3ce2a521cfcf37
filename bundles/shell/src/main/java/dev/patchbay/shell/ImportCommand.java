// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.shell;

import dev.patchbay.api.chain.BlockImporter;
import dev.patchbay.api.chain.ChainReader;
import java.nio.file.Path;
import java.util.List;
import org.apache.karaf.shell.api.action.Action;
import org.apache.karaf.shell.api.action.Argument;
import org.apache.karaf.shell.api.action.Command;
import org.apache.karaf.shell.api.action.lifecycle.Reference;
import org.apache.karaf.shell.api.action.lifecycle.Service;
import org.jspecify.annotations.Nullable;
import org.osgi.framework.BundleContext;

/** Imports chain files. */
@Service
@Command(
    scope = "chain",
    name = "import",
    description =
        "Imports blocks from RLP files as geth exports them, also gzip; known blocks are skipped")
@SuppressWarnings("NullAway") // Karaf injects the fields
public final class ImportCommand implements Action {
  @Argument(
      name = "FILE",
      description = "Absolute path of a chain file",
      required = true,
      multiValued = true)
  private List<String> files;

  @Reference private BundleContext context;

  @Override
  public @Nullable Object execute() throws Exception {
    Services services = new Services(context);
    for (String file : files) {
      new ChainImport(
              services.require(ChainReader.class),
              services.require(BlockImporter.class),
              System.out)
          .run(Path.of(file));
    }
    return null;
  }
}
