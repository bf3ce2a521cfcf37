// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.rpc.server;

import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** What is to be done once a connection has ended. Threading: any thread. */
final class CloseActions {
  private static final Logger LOG = LoggerFactory.getLogger(CloseActions.class);

  private @Nullable List<Runnable> actions = new ArrayList<>();

  /** Runs an action once the connection has ended, or at once when it has. */
  void add(Runnable action) {
    synchronized (this) {
      if (actions != null) {
        actions.add(action);
        return;
      }
    }
    action.run();
  }

  /** Removes an action; returns false when it is not there, or the connection has ended. */
  synchronized boolean remove(Runnable action) {
    return actions != null && actions.remove(action);
  }

  /**
   * Ends the connection and runs the actions, when no earlier call did. An action that throws does
   * not stop the others: it is logged.
   */
  void run() {
    List<Runnable> ending;
    synchronized (this) {
      ending = actions;
      actions = null;
    }
    if (ending != null) {
      ending.forEach(CloseActions::runOne);
    }
  }

  private static void runOne(Runnable action) {
    try {
      action.run();
    } catch (Throwable failure) { // an action of another bundle must not keep the connection open
      LOG.error("an action at the end of a connection failed: {}", failure.toString(), failure);
    }
  }
}
