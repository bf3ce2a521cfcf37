// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.storage;

/**
 * Which stores this process has had open. It outlives the bundle: after an update of the bundle, or
 * of an owner, the store must be the same one.
 */
interface ProcessMemory {
  /** Returns whether a store was open in this process. */
  boolean wasOpen(String name);

  /** Takes note that a store is open. */
  void opened(String name);

  /** Returns a memory in system properties, which last as long as the process. */
  static ProcessMemory ofSystem() {
    String prefix = "dev.patchbay.storage.opened.";
    return new ProcessMemory() {
      @Override
      public boolean wasOpen(String name) {
        return System.getProperty(prefix + name) != null;
      }

      @Override
      public void opened(String name) {
        System.setProperty(prefix + name, "true");
      }
    };
  }
}
