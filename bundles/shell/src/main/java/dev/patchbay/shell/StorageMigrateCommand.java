// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.shell;

import dev.patchbay.api.storage.StorageControl;
import dev.patchbay.api.storage.StorageControl.Progress;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.FutureTask;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import org.apache.karaf.shell.api.action.Action;
import org.apache.karaf.shell.api.action.Argument;
import org.apache.karaf.shell.api.action.Command;
import org.apache.karaf.shell.api.action.Option;
import org.apache.karaf.shell.api.action.lifecycle.Reference;
import org.apache.karaf.shell.api.action.lifecycle.Service;
import org.jspecify.annotations.Nullable;
import org.osgi.framework.BundleContext;

/** Moves the chain to another store while the node runs. */
@Service
@Command(
    scope = "storage",
    name = "migrate",
    description = "Moves the chain to another store while the node runs")
@SuppressWarnings("NullAway") // Karaf injects the fields
public final class StorageMigrateCommand implements Action {
  @Argument(name = "ID", description = "The store to move to, as storage:list names it")
  private @Nullable String id;

  @Option(
      name = "--cancel",
      description = "Stops the migration under way; the chain stays where it is")
  private boolean cancel;

  @Reference private BundleContext context;

  @Override
  public @Nullable Object execute() throws Exception {
    StorageControl control = new Services(context).require(StorageControl.class);
    if (cancel) {
      if (!control.progress().running()) {
        throw new IllegalStateException("no migration is under way");
      }
      control.cancel();
      System.out.println("cancelling");
      return null;
    }
    String target = id;
    if (target == null) {
      throw new IllegalArgumentException("name the store to move to; storage:list shows them");
    }
    FutureTask<Progress> task = new FutureTask<>(() -> control.migrate(target));
    Thread thread = new Thread(task, "shell-migration-0");
    thread.start();
    String shown = "";
    while (true) {
      try {
        Progress done = task.get(200, TimeUnit.MILLISECONDS);
        System.out.printf(
            "done: %,d entries moved from %s to %s; imports waited %d ms%n",
            done.copied(), done.from(), done.to(), done.fenceNanos() / 1_000_000);
        return null;
      } catch (TimeoutException running) {
        Progress p = control.progress();
        String line = String.format("%s %,d of %,d entries", p.stage(), p.copied(), p.total());
        if (!line.equals(shown)) {
          System.out.println(line);
          System.out.flush();
          shown = line;
        }
      } catch (ExecutionException failed) {
        Throwable cause = failed.getCause();
        throw cause instanceof Exception known ? known : failed;
      }
    }
  }
}
