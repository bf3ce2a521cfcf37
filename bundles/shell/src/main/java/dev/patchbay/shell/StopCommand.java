// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.shell;

import dev.patchbay.api.storage.StorageControl;
import dev.patchbay.binding.Threads;
import java.util.List;
import org.apache.karaf.shell.api.action.Action;
import org.apache.karaf.shell.api.action.Command;
import org.apache.karaf.shell.api.action.Option;
import org.apache.karaf.shell.api.action.lifecycle.Reference;
import org.apache.karaf.shell.api.action.lifecycle.Service;
import org.jspecify.annotations.Nullable;
import org.osgi.framework.Bundle;
import org.osgi.framework.BundleContext;
import org.slf4j.LoggerFactory;

/** Stops the node, unless the content of a store would be lost. */
@Service
@Command(
    scope = "patchbay",
    name = "stop",
    description = "Stops the node; refuses when that would lose a chain that was moved to memory")
@SuppressWarnings("NullAway") // Karaf injects the fields
public final class StopCommand implements Action {
  @Option(
      name = "--discard-chain",
      description = "Stops also when that loses a chain that was moved to memory")
  private boolean discard;

  @Option(name = "--check", description = "Says whether a stop is refused, and does not stop")
  private boolean check;

  @Reference private BundleContext context;

  @Override
  public @Nullable Object execute() {
    StorageControl control = new Services(context).find(StorageControl.class);
    List<String> endangered = control == null ? List.of() : control.endangered();
    if (!discard && !endangered.isEmpty()) {
      throw new IllegalStateException(
          "the content of "
              + String.join(", ", endangered)
              + " is in memory alone and ends with the process. Move it first: storage:migrate mapdb"
              + " (or rocksdb). To give it up: stop --discard-chain");
    }
    if (check) {
      return null;
    }
    Bundle framework = context.getBundle(0);
    Threads.create(() -> stop(framework), "shell-stop-0").start();
    System.out.println("stopping");
    return null;
  }

  private static void stop(Bundle framework) {
    try {
      framework.stop();
    } catch (Throwable failure) {
      LoggerFactory.getLogger(StopCommand.class).error("the node cannot stop", failure);
    }
  }
}
