// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.chain;

import dev.patchbay.api.storage.StorageControl.Stage;
import dev.patchbay.api.storage.StorageException;
import org.osgi.framework.BundleContext;

/**
 * Lets a migration fail, or the process die, at a chosen stage, so that tests of the whole node can
 * see what then happens. The system property {@code patchbay.migration.fail} names {@code
 * STAGE:fail} or {@code STAGE:halt}; without it nothing is done.
 */
final class FailurePoints {
  private FailurePoints() {}

  static StorageManager.StageHook of(BundleContext context) {
    String configured = context.getProperty("patchbay.migration.fail");
    if (configured == null || configured.isEmpty()) {
      return stage -> {};
    }
    String[] parts = configured.split(":", 2);
    Stage failing = Stage.valueOf(parts[0]);
    boolean halt = parts.length > 1 && parts[1].equals("halt");
    return stage -> {
      if (stage == failing && halt) {
        Runtime.getRuntime().halt(137);
      } else if (stage == failing && stage != Stage.DONE) {
        throw new StorageException("injected failure at " + stage);
      }
    };
  }
}
