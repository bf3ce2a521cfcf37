// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.shell;

import dev.patchbay.api.storage.StorageControl;
import dev.patchbay.api.storage.StorageControl.Progress;
import dev.patchbay.binding.Threads;
import java.util.List;
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

/** Moves stores to another backend while the node runs. */
@Service
@Command(
    scope = "storage",
    name = "migrate",
    description = "Moves the stores to another backend while the node runs")
@SuppressWarnings("NullAway") // Karaf injects the fields
public final class StorageMigrateCommand implements Action {
  @Argument(name = "BACKEND", description = "The backend to move to, as storage:list names it")
  private @Nullable String backend;

  @Option(
      name = "--store",
      description = "The store to move, before the backend; all stores without it")
  private @Nullable String store;

  @Option(
      name = "--bundle",
      description =
          "The symbolic name of the bundle of the backend, before the backend; needed when several"
              + " bundles provide it")
  private @Nullable String bundle;

  @Option(
      name = "--cancel",
      description = "Cancels the migration under way; the store stays where it is")
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
    String target = backend;
    if (target == null) {
      throw new IllegalArgumentException("name the backend to move to; storage:list shows them");
    }
    String one = store;
    List<String> names = one == null ? elsewhere(control, target, bundle) : List.of(one);
    for (String name : names) {
      migrate(control, name, target, bundle);
    }
    return null;
  }

  /** Returns the stores that are not in a backend; all of them when there is none to move. */
  private static List<String> elsewhere(
      StorageControl control, String target, @Nullable String bundle) {
    List<String> names =
        control.names().stream()
            .filter(
                name ->
                    !control.chosen(name).equals(target)
                        || (bundle != null && !bundle.equals(control.chosenBundle(name))))
            .toList();
    return names.isEmpty() ? control.names() : names;
  }

  private static void migrate(
      StorageControl control, String name, String target, @Nullable String bundle)
      throws Exception {
    FutureTask<Progress> task = new FutureTask<>(() -> control.migrate(name, target, bundle));
    Thread thread = Threads.create(task, "shell-migration-0");
    thread.start();
    String shown = "";
    while (true) {
      try {
        Progress done = task.get(200, TimeUnit.MILLISECONDS);
        System.out.printf(
            "done: %,d entries of %s moved from %s to %s; writes waited %d ms%n",
            done.copied(), name, done.from(), done.to(), done.fenceNanos() / 1_000_000);
        return;
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
