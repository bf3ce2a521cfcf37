// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.api.storage;

import org.osgi.annotation.versioning.ProviderType;

/**
 * Is notified by an open {@link KeyValueStore} of what its health depends on; the storage kernel
 * implements it. The store may hold its locks, and may be short of memory: a method returns at once
 * and does not call the store.
 *
 * <p>Threading: any thread, also several at a time.
 */
@ProviderType
public interface StoreListener {
  /**
   * The store has failed, and all later calls of it fail: it must be closed, and may be opened
   * again. Called once.
   *
   * @param reason one line for the operator
   */
  void failed(String reason);

  /**
   * The files of the store are damaged in a place that a call needed. The store goes on: other
   * calls may succeed. Called for each such call.
   *
   * @param reason one line for the operator
   */
  void damaged(String reason);
}
