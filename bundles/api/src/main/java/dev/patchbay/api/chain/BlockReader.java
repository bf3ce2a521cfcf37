// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.api.chain;

import dev.patchbay.primitives.Block;
import dev.patchbay.primitives.Hash;
import org.jspecify.annotations.Nullable;
import org.osgi.annotation.versioning.ProviderType;

/** Reads blocks by their hash, and headers. Threading: any thread. */
@ProviderType
public interface BlockReader extends HeaderReader {
  /**
   * Returns the block with a hash, canonical or not; null when unknown.
   *
   * @throws PrunedException when the block is canonical and its body has been pruned
   */
  @Nullable Block block(Hash hash);
}
