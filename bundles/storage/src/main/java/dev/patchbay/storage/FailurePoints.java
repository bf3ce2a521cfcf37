// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.storage;

import dev.patchbay.api.storage.StorageException;
import java.util.List;
import java.util.Queue;
import java.util.concurrent.ConcurrentLinkedQueue;
import org.osgi.framework.BundleContext;

/**
 * Lets migrations fail, or the process die, at chosen stages, so that tests of the whole node can
 * see what then happens. The system property {@code patchbay.migration.fail} is a list of {@code
 * STAGE:fail}, {@code STAGE:halt} and {@code STAGE:pass}, separated by commas; each holds once,
 * when those before it have. {@code pass} lets the stage go on. Without the property nothing is
 * done.
 */
final class FailurePoints {
  private FailurePoints() {}

  static StoreRegistry.StageHook of(BundleContext context) {
    String configured = context.getProperty("patchbay.migration.fail");
    if (configured == null || configured.isEmpty()) {
      return stage -> {};
    }
    Queue<String> failures = new ConcurrentLinkedQueue<>(List.of(configured.split(",")));
    return stage -> {
      if ((stage + ":halt").equals(failures.peek())) {
        Runtime.getRuntime().halt(137);
      } else if ((stage + ":fail").equals(failures.peek())) {
        failures.remove();
        throw new StorageException("injected failure at " + stage);
      } else if ((stage + ":pass").equals(failures.peek())) {
        failures.remove();
      }
    };
  }
}
