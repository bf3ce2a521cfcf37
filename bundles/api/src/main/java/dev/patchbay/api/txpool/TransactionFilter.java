// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.api.txpool;

import dev.patchbay.primitives.BlockHeader;
import dev.patchbay.primitives.Transaction;
import org.jspecify.annotations.Nullable;
import org.osgi.annotation.versioning.ConsumerType;

/**
 * Refuses transactions by a policy; a whiteboard service. All registered filters are asked, and one
 * refusal is enough. Blocks of others are not filtered: a filter is a policy of this node, not a
 * rule of consensus.
 *
 * <p>Threading: called by any thread; return soon. An exception counts as a refusal.
 */
@ConsumerType
public interface TransactionFilter {
  /**
   * Decides whether a transaction may enter the pool. It has passed the checks that need no state.
   *
   * @return why not, as a sentence for its sender; null when it may
   */
  default @Nullable String refuseAdmission(Transaction transaction) {
    return null;
  }

  /**
   * Decides whether a transaction of the pool may be part of a block that this node builds. A
   * refused transaction stays in the pool and is considered for the next block.
   *
   * @param header the header of the block before transactions are in it
   * @return why not, for the log; null when it may
   */
  default @Nullable String refuseInclusion(Transaction transaction, BlockHeader header) {
    return null;
  }
}
