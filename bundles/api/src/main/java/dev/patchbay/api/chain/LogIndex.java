// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.api.chain;

import dev.patchbay.primitives.Address;
import dev.patchbay.primitives.Hash;
import java.util.BitSet;
import java.util.List;
import java.util.Set;
import org.osgi.annotation.versioning.ProviderType;

/** Tells which blocks may have logs that a search is for. Threading: any thread. */
@ProviderType
public interface LogIndex {
  /**
   * How far the index has come.
   *
   * @param blocks blocks that are indexed
   * @param head number of the latest block that was seen
   */
  record Progress(long blocks, long head) {}

  /**
   * Returns the blocks of a range that may have a matching log, and those that are not indexed: bit
   * i stands for block {@code from} + i. A block without its bit has no matching log.
   *
   * @param from number of the first block
   * @param to number of the last block, at most 2^31 - 2 above the first
   * @param addresses any of these; empty: any address
   * @param topics for each position any of these; empty: any topic
   * @throws dev.patchbay.api.storage.StorageUnavailableException while no store is bound
   */
  BitSet candidates(long from, long to, Set<Address> addresses, List<Set<Hash>> topics);

  /** Returns how far the index has come. */
  Progress progress();
}
