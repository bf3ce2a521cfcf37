// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.shell;

import dev.patchbay.api.chain.BlockImporter;
import dev.patchbay.api.chain.ChainReader;
import dev.patchbay.primitives.Block;
import org.apache.karaf.shell.api.action.Action;
import org.apache.karaf.shell.api.action.Command;
import org.apache.karaf.shell.api.action.lifecycle.Reference;
import org.apache.karaf.shell.api.action.lifecycle.Service;
import org.jspecify.annotations.Nullable;
import org.osgi.framework.BundleContext;

/** Shows the head of the chain. */
@Service
@Command(scope = "chain", name = "head", description = "Shows the head of the chain")
@SuppressWarnings("NullAway") // Karaf injects the fields
public final class HeadCommand implements Action {
  @Reference private BundleContext context;

  @Override
  public @Nullable Object execute() {
    Services services = new Services(context);
    Block head = services.require(ChainReader.class).head();
    System.out.println("number        " + head.number());
    System.out.println("hash          " + head.hash());
    System.out.println("state root    " + head.header().stateRoot());
    System.out.println(
        "timestamp     " + java.time.Instant.ofEpochSecond(head.header().timestamp()));
    System.out.println("transactions  " + head.transactions().size());
    System.out.println(
        "gas used      " + head.header().gasUsed() + " of " + head.header().gasLimit());
    BlockImporter importer = services.find(BlockImporter.class);
    if (importer != null) {
      System.out.println("executed      " + importer.executedBlocks() + " blocks since the start");
    }
    return null;
  }
}
