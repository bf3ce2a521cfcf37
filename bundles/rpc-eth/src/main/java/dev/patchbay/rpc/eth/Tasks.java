// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.rpc.eth;

import java.util.List;
import org.jspecify.annotations.Nullable;

/** Tasks that do not depend on each other. */
final class Tasks {
  private Tasks() {}

  /**
   * Runs all tasks. When some throw, also an {@link Error}, the others run all the same, and the
   * first failure is thrown at the end.
   */
  static void runAll(List<Runnable> tasks) {
    Throwable first = null;
    for (Runnable task : tasks) {
      try {
        task.run();
      } catch (Throwable failure) { // thrown at the end
        first = first == null ? failure : first;
      }
    }
    rethrow(first);
  }

  private static void rethrow(@Nullable Throwable failure) {
    if (failure instanceof RuntimeException unchecked) {
      throw unchecked;
    }
    if (failure instanceof Error error) {
      throw error;
    }
  }
}
