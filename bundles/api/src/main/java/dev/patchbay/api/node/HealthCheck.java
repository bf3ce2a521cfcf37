// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.api.node;

import java.util.Set;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;
import org.osgi.annotation.versioning.ConsumerType;

/**
 * Reports the health of one part of the node; a whiteboard service. {@link NodeHealth} collects all
 * registered checks, and the launcher waits for the checks that a start requires. Threading: any
 * thread, also several at a time.
 */
@ConsumerType
public interface HealthCheck {
  /**
   * Returns the name of the part, in lower case, such as {@code chain} or {@code
   * rpc.listener~http}. The name is unique in the node and does not change.
   */
  String name();

  /**
   * Returns the current health of the part. The method must return within milliseconds, must not
   * wait for a lock that is held during input or output, and must not change the node. An exception
   * counts as {@link Health.Status#FAILED} with the message of the exception.
   */
  Health check();

  /**
   * Returns what this part cannot work without: names of other parts, and class names of services.
   * While one of them does not work, a check that is not healthy and has not failed counts as
   * waiting for it, not as a cause of its own.
   */
  default Set<String> dependencies() {
    return Set.of();
  }

  /**
   * Creates a check.
   *
   * @param name name of the part
   * @param health returns the current health, as {@link #check} does
   * @param dependencies what the part cannot work without, see {@link #dependencies}
   */
  static HealthCheck of(String name, Supplier<Health> health, String... dependencies) {
    Set<String> needed = Set.of(dependencies);
    return new HealthCheck() {
      @Override
      public String name() {
        return name;
      }

      @Override
      public Set<String> dependencies() {
        return needed;
      }

      @Override
      public Health check() {
        return health.get();
      }
    };
  }

  /**
   * Creates a check of work that repeats, such as the steps of a thread. The check is degraded
   * while the latest attempt has failed: the thread goes on by itself.
   *
   * @param name name of the part
   * @param working what the part does, for the message of a healthy part
   * @param failure returns the latest failure as one line; null when the latest attempt succeeded
   * @param dependencies what the part cannot work without, see {@link #dependencies}
   */
  static HealthCheck ofFailures(
      String name, String working, Supplier<@Nullable String> failure, String... dependencies) {
    return of(
        name,
        () -> {
          String latest = failure.get();
          return latest == null
              ? Health.healthy(working)
              : Health.degraded(latest + "; the node tries again, see the log");
        },
        dependencies);
  }
}
