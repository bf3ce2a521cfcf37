// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.api.chain;

import dev.patchbay.primitives.Block;
import dev.patchbay.primitives.BlockHeader;
import dev.patchbay.primitives.Hash;
import java.util.List;
import org.jspecify.annotations.Nullable;
import org.osgi.annotation.versioning.ProviderType;

/**
 * The blocks between the chain and a head that a consensus client has named and the chain lacks.
 * Headers come first, from that head down: each is the one whose hash the header above it states.
 * When they reach the chain, bodies follow, and the blocks are imported upwards. Staged blocks
 * survive the end of the process; which head is named is not stored, as the client names it again.
 *
 * <p>Threading: any thread.
 */
@ProviderType
public interface BlockStage {
  /**
   * The head that a consensus client has named and the chain lacks.
   *
   * @param head its hash
   * @param lowest number of the lowest block of its branch whose header is staged; 0 while that of
   *     the head is missing
   * @param highest number of the head; 0 while its header is missing
   * @param missing hash of the header that is needed next; null when the headers reach the chain
   */
  record Wanted(Hash head, long lowest, long highest, @Nullable Hash missing) {}

  /**
   * A staged block.
   *
   * @param header its header
   * @param block the whole block; null while its body is missing
   */
  record Staged(BlockHeader header, @Nullable Block block) {}

  /**
   * Blocks that can be imported now, as their headers reach the chain.
   *
   * @param lowest number of the lowest of them
   * @param highest number of the highest of them
   */
  record Linked(long lowest, long highest) {}

  /**
   * Returns what is needed now; null when the chain has the head that was named last, or none was.
   *
   * @throws dev.patchbay.api.storage.StorageUnavailableException when no store is bound
   */
  @Nullable Wanted wanted();

  /**
   * Adds headers, downwards. Does nothing when the first of them is no longer {@link
   * Wanted#missing}; ignores those below a block that is staged or in the chain.
   *
   * @throws IllegalArgumentException when a header is not the parent of the one before it
   * @throws dev.patchbay.api.storage.StorageUnavailableException when no store is bound
   * @throws dev.patchbay.api.storage.StorageException when they cannot be stored
   */
  void addHeaders(List<BlockHeader> headers);

  /**
   * Returns which blocks can be imported now: those before the head, or, while headers between it
   * and the chain are missing, those before the head that was named earlier. Null when there are
   * none.
   *
   * @throws dev.patchbay.api.storage.StorageUnavailableException when no store is bound
   */
  @Nullable Linked linked();

  /**
   * Returns blocks upwards: of those that can be imported, or when there are none, of the branch of
   * the head.
   *
   * @param from number of the first
   * @param max how many at most
   * @throws dev.patchbay.api.storage.StorageUnavailableException when no store is bound
   */
  List<Staged> blocks(long from, int max);

  /**
   * Adds the bodies of blocks whose headers are staged; those of others are ignored. The caller has
   * checked that body and header belong together.
   *
   * @throws dev.patchbay.api.storage.StorageUnavailableException when no store is bound
   * @throws dev.patchbay.api.storage.StorageException when they cannot be stored
   */
  void addBodies(List<Block> blocks);

  /**
   * Deletes some of the blocks that are staged and no longer needed: a long branch takes several
   * calls, also after a restart.
   *
   * @return whether there are more
   * @throws dev.patchbay.api.storage.StorageUnavailableException when no store is bound
   * @throws dev.patchbay.api.storage.StorageException when they cannot be deleted
   */
  boolean deleteObsolete();

  /**
   * Verifies and executes the lowest block of {@link #linked} and moves the chain's head to it,
   * unless the branch is not longer than the chain yet. A block that the consensus client has
   * handed over in the meantime is not executed again. An invalid block makes the head above it,
   * and all blocks before that head that are staged, invalid; a branch that begins below the oldest
   * state is refused, which {@link ForkChoice.Result.TooDeep} says from then on. So is a branch
   * that lacks the safe or the finalized block that was named with the head: {@link
   * ForkChoice.Result.Inconsistent}. A long reorg takes several batches, between which other
   * changes of the chain may happen; when it fails, the head moves back to where it was, unless the
   * consensus client has moved it in the meantime.
   *
   * @return {@link ImportResult.Known} also when it is no longer the lowest block; {@link
   *     ImportResult.TooEarly} however far its timestamp is ahead
   * @throws dev.patchbay.api.execution.NotReadyException while rules or executor are not installed
   * @throws dev.patchbay.api.storage.StorageUnavailableException when no store is bound
   * @throws dev.patchbay.api.storage.StorageException when it cannot be stored
   */
  ImportResult importBlock(Block block);
}
