// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.api.payload;

import dev.patchbay.api.consensus.BlockSealer;
import dev.patchbay.primitives.Block;
import org.osgi.annotation.versioning.ProviderType;

/** Builds blocks from the pool. Threading: any thread. */
@ProviderType
public interface PayloadBuilder {
  /**
   * Builds the block after {@code parent}, without its seal.
   *
   * @param template what the consensus protocol puts into the header
   */
  Block build(Block parent, BlockSealer.Template template);
}
