// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.rpc.server;

import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** What is to be done once a connection has ended. Threading: any thread. */
final class CloseActions {
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

  /** Ends the connection: returns the actions to run the first time, and null ever after. */
  synchronized @Nullable List<Runnable> end() {
    List<Runnable> out = actions;
    actions = null;
    return out;
  }
}
