// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.api.chain;

import dev.patchbay.primitives.Block;
import org.osgi.annotation.versioning.ProviderType;

/**
 * The one door through which blocks come into the chain. Threading: any thread; imports happen one
 * after the other.
 */
@ProviderType
public interface BlockImporter {
  /**
   * Verifies, executes and stores a block, and moves the head when its total difficulty is greater.
   * The call returns when the effects are durable and listeners were told.
   *
   * @throws dev.patchbay.api.storage.StorageUnavailableException when no store is bound
   */
  ImportResult importBlock(Block block);
}
