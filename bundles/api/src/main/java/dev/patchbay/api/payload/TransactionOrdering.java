// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.api.payload;

import dev.patchbay.primitives.Address;
import dev.patchbay.primitives.BlockHeader;
import dev.patchbay.primitives.Transaction;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import org.osgi.annotation.versioning.ConsumerType;

/**
 * Says which transaction of the pool comes next in a block; a service. While one is there, blocks
 * are filled by it, and otherwise by what pays the most tip per gas. Threading: any thread.
 */
@ConsumerType
public interface TransactionOrdering {
  /** The order for one block. Threading: one thread. */
  interface Queue {
    /**
     * Returns the next transaction, null when there is none left. Those of a sender come in the
     * order of nonces.
     */
    @Nullable Transaction next();

    /**
     * Is told that the transaction that came last is not in the block: nothing more of its sender
     * can be.
     */
    void skipped(Transaction transaction);
  }

  /**
   * Orders transactions for a block.
   *
   * @param header the block as far as it is known: number, time, gas limit, base fee
   * @param pending what the pool can execute, by sender, in the order of nonces
   */
  Queue order(BlockHeader header, Map<Address, List<Transaction>> pending);
}
