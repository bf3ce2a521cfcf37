// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.p2p.eth;

import dev.patchbay.primitives.Block;
import dev.patchbay.primitives.ChainConfig;
import dev.patchbay.primitives.ForkId;
import dev.patchbay.primitives.Hash;
import java.nio.ByteBuffer;
import java.util.Collection;
import java.util.stream.LongStream;
import java.util.zip.CRC32;

/**
 * Decides by its fork id whether a peer follows the rules of this chain (EIP-2124, "Validation
 * rules"; EIP-6122 for timestamps). Numbers and timestamps are unsigned 64 bits. Threading:
 * immutable.
 */
final class ForkIdFilter {
  /** Timestamp of the first block of mainnet: no block number of any chain is that high. */
  private static final long MIN_TIMESTAMP = 1_438_269_973L;

  private final long[] forks;

  /** How many of the forks are block numbers; timestamps follow. */
  private final int blockForks;

  /** Checksums before the first fork, after it, and so on. */
  private final int[] checksums;

  /** What the fork id of a peer says. */
  enum Verdict {
    /** The peer follows the same rules, as far as both sides can see. */
    COMPATIBLE,
    /** The peer has not been updated for a fork that this node has passed. */
    REMOTE_STALE,
    /** The peer is on another chain, or this node has not been updated for a fork. */
    INCOMPATIBLE
  }

  /**
   * Creates a filter.
   *
   * @param genesis hash of the genesis block
   * @param blocks numbers of the blocks with forks, ascending, without 0
   * @param timestamps timestamps of forks, ascending, all after the genesis block
   */
  ForkIdFilter(Hash genesis, Collection<Long> blocks, Collection<Long> timestamps) {
    forks =
        LongStream.concat(
                blocks.stream().mapToLong(Long::longValue),
                timestamps.stream().mapToLong(Long::longValue))
            .toArray();
    blockForks = blocks.size();
    checksums = new int[forks.length + 1];
    CRC32 crc = new CRC32();
    crc.update(genesis.unsafeArray());
    checksums[0] = (int) crc.getValue();
    for (int i = 0; i < forks.length; i++) {
      crc.update(ByteBuffer.allocate(Long.BYTES).putLong(0, forks[i]));
      checksums[i + 1] = (int) crc.getValue();
    }
  }

  /** Creates the filter of a chain. */
  static ForkIdFilter of(Block genesis, ChainConfig config) {
    return new ForkIdFilter(
        genesis.hash(),
        config.forkBlockNumbers(),
        config.forkTimestamps().tailSet(genesis.header().timestamp() + 1));
  }

  /**
   * Checks the fork id of a peer.
   *
   * @param number number of the head of this node
   * @param timestamp its timestamp in seconds
   */
  Verdict check(long number, long timestamp, ForkId remote) {
    int passed = 0;
    while (passed < forks.length
        && Long.compareUnsigned(passed < blockForks ? number : timestamp, forks[passed]) >= 0) {
      passed++;
    }
    if (checksums[passed] == remote.hash()) {
      return isPassed(remote.next(), number, timestamp) ? Verdict.INCOMPATIBLE : Verdict.COMPATIBLE;
    }
    for (int i = 0; i < passed; i++) {
      if (checksums[i] == remote.hash()) { // the peer syncs, if it expects the fork that came next
        return forks[i] == remote.next() ? Verdict.COMPATIBLE : Verdict.REMOTE_STALE;
      }
    }
    for (int i = passed + 1; i < checksums.length; i++) {
      if (checksums[i] == remote.hash()) { // this node syncs
        return Verdict.COMPATIBLE;
      }
    }
    return Verdict.INCOMPATIBLE;
  }

  /** Returns whether this node has passed a fork that a peer expects, without forking itself. */
  private static boolean isPassed(long next, long number, long timestamp) {
    return next != 0
        && (Long.compareUnsigned(number, next) >= 0
            || (Long.compareUnsigned(next, MIN_TIMESTAMP) > 0
                && Long.compareUnsigned(timestamp, next) >= 0));
  }
}
