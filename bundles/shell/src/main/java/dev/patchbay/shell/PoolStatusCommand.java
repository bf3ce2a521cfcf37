// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.shell;

import dev.patchbay.api.txpool.TransactionPool;
import java.util.List;
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
    TransactionPool pool = new Services(context).require(TransactionPool.class);
    System.out.println("pending  " + pool.pending().values().stream().mapToInt(List::size).sum());
    System.out.println("queued   " + pool.queued().values().stream().mapToInt(List::size).sum());
    return null;
  }
}
