// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.shell;

import dev.patchbay.api.txpool.PoolStatus;
import dev.patchbay.api.txpool.TransactionPool;
import org.apache.karaf.shell.api.action.Action;
import org.apache.karaf.shell.api.action.Command;
import org.apache.karaf.shell.api.action.lifecycle.Reference;
import org.apache.karaf.shell.api.action.lifecycle.Service;
import org.jspecify.annotations.Nullable;
import org.osgi.framework.BundleContext;

/** Shows how full the pool is. */
@Service
@Command(scope = "txpool", name = "status", description = "Shows how many transactions wait")
@SuppressWarnings("NullAway") // Karaf injects the fields
public final class PoolStatusCommand implements Action {
  @Reference private BundleContext context;

  @Override
  public @Nullable Object execute() {
    PoolStatus status = new Services(context).require(TransactionPool.class).status();
    System.out.println("pending  " + status.pending());
    System.out.println("queued   " + status.queued());
    System.out.println("limit    " + status.maxTransactions() + " without blobs");
    System.out.println("blobs    " + status.blobs() + " of " + status.maxBlobs());
    System.out.println(
        "heap     " + status.bytes() / 1024 + " of " + status.maxBytes() / 1024 + " KiB");
    System.out.println("min tip  " + status.minTip() + " wei per gas");
    return null;
  }
}
