// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.api.chain;

import dev.patchbay.primitives.BlockHeader;
import dev.patchbay.primitives.Hash;
import dev.patchbay.primitives.UInt256;
import org.jspecify.annotations.Nullable;
import org.osgi.annotation.versioning.ProviderType;

/** Reads headers. Threading: any thread. */
@ProviderType
public interface HeaderReader {
  /** Returns the header with a hash, canonical or not; null when unknown. */
  @Nullable BlockHeader header(Hash hash);

  /** Returns the canonical header with a number; null above the head. */
  @Nullable BlockHeader header(long number);

  /** Returns the total difficulty up to and with a block; null when unknown. */
  @Nullable UInt256 totalDifficulty(Hash blockHash);
}
