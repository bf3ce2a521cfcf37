// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.api.chain;

import dev.patchbay.primitives.Block;
import dev.patchbay.primitives.Hash;
import org.jspecify.annotations.Nullable;
import org.osgi.annotation.versioning.ProviderType;

/**
 * Moves the head to where a consensus client says (execution-apis, {@code paris.md}). Threading:
 * any thread; updates and imports happen one after the other, in the order in which they came.
 */
@ProviderType
public interface ForkChoice {
  /** How an update ended. */
  sealed interface Result {
    /**
     * Head, safe and finalized block are as asked for.
     *
     * @param head the head now
     */
    record Updated(Block head) implements Result {}

    /** Nothing was changed: the head that was asked for is an ancestor of the finalized block. */
    record Skipped() implements Result {}

    /**
     * Nothing was changed: there is no such block. When it has been downloaded, it becomes the
     * head, and the safe and the finalized block are set with it, see {@link BlockStage}.
     */
    record Syncing() implements Result {}

    /**
     * Nothing was changed: the head that was asked for, or a block before it, is invalid, or is a
     * block of proof of work that is not the terminal one (EIP-3675).
     *
     * @param latestValidHash as of {@link PayloadStatus.Invalid}
     * @param reason which rule is violated, with the offending value
     */
    record Invalid(@Nullable Hash latestValidHash, String reason) implements Result {}

    /**
     * Nothing was changed: the safe or the finalized block is not in the chain of the head.
     *
     * @param reason which of them
     */
    record Inconsistent(String reason) implements Result {}

    /**
     * Nothing was changed: the head would go back by more blocks than the consensus rules allow, or
     * to a block whose state is pruned.
     *
     * @param reason how far, and how far it may
     */
    record TooDeep(String reason) implements Result {}
  }

  /**
   * Creates a block the head, and two of its chain the safe and the finalized one, all or nothing.
   * The call returns when the effects survive the end of the process and listeners have been
   * notified; see {@link BlockImporter#importBlock} for power cuts. A long reorg takes several
   * batches, each of them atomic: a node that ends between two of them opens with an intermediate
   * block as head, and with the safe and the finalized block as before.
   *
   * @param safe zero leaves the safe block as it is
   * @param finalized zero leaves the finalized block as it is
   * @throws dev.patchbay.api.storage.StorageUnavailableException when no store is bound
   */
  Result update(Hash head, Hash safe, Hash finalized);
}
