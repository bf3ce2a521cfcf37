// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.shell;

import dev.patchbay.api.chain.LogIndex;
import org.apache.karaf.shell.api.action.Action;
import org.apache.karaf.shell.api.action.Command;
import org.apache.karaf.shell.api.action.lifecycle.Reference;
import org.apache.karaf.shell.api.action.lifecycle.Service;
import org.jspecify.annotations.Nullable;
import org.osgi.framework.BundleContext;

/** Says how far the index of logs has come. */
@Service
@Command(
    scope = "patchbay",
    name = "log-index",
    description = "Says how many blocks the index of logs has")
@SuppressWarnings("NullAway") // Karaf injects the field
public final class LogIndexCommand implements Action {
  @Reference private BundleContext context;

  @Override
  public @Nullable Object execute() {
    LogIndex.Progress progress = new Services(context).require(LogIndex.class).progress();
    System.out.printf("%,d of %,d blocks are indexed%n", progress.blocks(), progress.head() + 1);
    return null;
  }
}
