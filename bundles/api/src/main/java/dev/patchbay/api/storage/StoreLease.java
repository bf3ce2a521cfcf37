// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.api.storage;

import org.osgi.annotation.versioning.ProviderType;

/** A store in use for one unit of work. Threading: any thread. */
@ProviderType
public interface StoreLease extends AutoCloseable {
  /**
   * Returns the store; it must not be closed, nor used after the lease is closed. All leases of the
   * same binding return the same object.
   */
  KeyValueStore get();

  /** Ends the use; the second call does nothing. */
  @Override
  void close();
}
