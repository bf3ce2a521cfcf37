// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.api.txpool;

import dev.patchbay.primitives.Transaction;
import org.osgi.annotation.versioning.ConsumerType;

/**
 * Observes new executable transactions; a whiteboard service. Threading: called by any thread;
 * return soon.
 */
@ConsumerType
public interface PoolListener {
  /**
   * Called when a transaction became executable, and for those that are executable when the
   * listener is registered. A transaction may come more than once.
   */
  void transactionPending(Transaction transaction);
}
