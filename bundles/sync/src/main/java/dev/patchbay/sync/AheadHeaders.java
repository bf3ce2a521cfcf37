// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.sync;

import dev.patchbay.api.chain.HeaderReader;
import dev.patchbay.primitives.BlockHeader;
import dev.patchbay.primitives.Hash;
import dev.patchbay.primitives.UInt256;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import org.jspecify.annotations.Nullable;

/**
 * The headers of the chain, and those that were verified before their blocks are imported.
 * Threading: any thread.
 */
final class AheadHeaders implements HeaderReader {
  private final HeaderReader chain;
  private final Map<Hash, BlockHeader> ahead = new ConcurrentHashMap<>();

  AheadHeaders(HeaderReader chain) {
    this.chain = chain;
  }

  void add(Hash hash, BlockHeader header) {
    ahead.put(hash, header);
  }

  /** Removes a header: the chain has it. */
  void imported(Hash hash) {
    ahead.remove(hash);
  }

  @Override
  public @Nullable BlockHeader header(Hash hash) {
    BlockHeader header = ahead.get(hash);
    return header == null ? chain.header(hash) : header;
  }

  @Override
  public @Nullable BlockHeader header(long number) {
    return chain.header(number);
  }

  @Override
  public @Nullable UInt256 totalDifficulty(Hash blockHash) {
    return chain.totalDifficulty(blockHash);
  }
}
