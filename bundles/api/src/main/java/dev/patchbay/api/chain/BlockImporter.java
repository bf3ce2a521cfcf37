// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.api.chain;

import dev.patchbay.primitives.Block;
import dev.patchbay.primitives.BlockHeader;
import dev.patchbay.primitives.Receipt;
import dev.patchbay.primitives.execution.StateChanges;
import java.util.List;
import org.osgi.annotation.versioning.ProviderType;

/**
 * The only entry point for new blocks. Threading: any thread; the node imports one block at a time.
 */
@ProviderType
public interface BlockImporter {
  /**
   * Verifies, executes and stores a block, and moves the head when its total difficulty is greater.
   * The call returns when the effects survive the end of the process and listeners have been
   * notified. They survive a power cut within the time that the storage backend states, see {@link
   * dev.patchbay.api.storage.KeyValueStore#flush}.
   *
   * @throws SettledException when the branch of the block leaves the chain too far below the head
   * @throws dev.patchbay.api.storage.StorageUnavailableException when no store is bound
   */
  ImportResult importBlock(Block block);

  /**
   * Verifies, executes and stores a block as {@link #importBlock} does, and leaves the head where
   * it is: {@link ForkChoice} moves it. A block that is known to be valid is not executed again.
   *
   * @throws dev.patchbay.api.storage.StorageUnavailableException when no store is bound
   */
  PayloadStatus insertWithoutSetHead(Block block);

  /**
   * Does the same with a block that this node has put together, without executing it again: only
   * the state root is computed and compared.
   *
   * @param receipts the receipts of its transactions, in order
   * @param changes what it changes in the state after its parent
   */
  PayloadStatus insertWithoutSetHead(Block block, List<Receipt> receipts, StateChanges changes);

  /**
   * Checks a header whose body is not there yet: what all protocols demand, and the consensus
   * rules.
   *
   * @param ancestors finds the ancestors by their hashes, {@code parent} and those that are not
   *     stored yet included
   * @throws InvalidBlockException when the header violates a rule
   * @throws dev.patchbay.api.execution.NotReadyException while the rules are not installed
   */
  void verifyHeader(BlockHeader header, BlockHeader parent, HeaderReader ancestors)
      throws InvalidBlockException;

  /** Returns whether another thread than this one imports a block now. */
  boolean isImporting();

  /**
   * Returns how many executions of blocks this importer has finished since its start. A block that
   * is executed again counts again; one whose receipts and changes are given, or still in memory,
   * does not.
   */
  long executedBlocks();

  /**
   * Makes an earlier block of the canonical chain the head again. The blocks above it stay known,
   * and become canonical once more when one of them, or a child, is imported and wins. Returns when
   * the effects survive the end of the process and listeners have been notified; does nothing when
   * the block is the head.
   *
   * @param number number of the block
   * @return the head now
   * @throws IllegalArgumentException when the number is above the head
   * @throws dev.patchbay.api.storage.StorageException when the state after the block is not kept
   * @throws dev.patchbay.api.storage.StorageUnavailableException when no store is bound
   */
  Block setHead(long number);
}
