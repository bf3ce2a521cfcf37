// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.primitives;

import java.nio.ByteBuffer;
import java.util.SortedSet;
import java.util.zip.CRC32;

/**
 * What tells which rules a node follows: a checksum of the genesis and of the forks that are in
 * force (EIP-2124, EIP-6122).
 *
 * @param hash checksum, 32 bits
 * @param next block number or timestamp of the next fork; 0 when none is known
 */
public record ForkId(int hash, long next) {
  /**
   * Returns the fork id of a head.
   *
   * @param genesis the genesis block
   * @param number number of the head
   * @param timestamp its timestamp, in seconds since the Unix epoch
   */
  public static ForkId of(Block genesis, ChainConfig config, long number, long timestamp) {
    CRC32 crc = new CRC32();
    crc.update(genesis.hash().toArray());
    for (long block : config.forkBlockNumbers()) {
      if (block > number) {
        return new ForkId((int) crc.getValue(), block);
      }
      add(crc, block);
    }
    SortedSet<Long> times = config.forkTimestamps().tailSet(genesis.header().timestamp() + 1);
    for (long time : times) {
      if (time > timestamp) {
        return new ForkId((int) crc.getValue(), time);
      }
      add(crc, time);
    }
    return new ForkId((int) crc.getValue(), 0);
  }

  private static void add(CRC32 crc, long fork) {
    crc.update(ByteBuffer.allocate(Long.BYTES).putLong(0, fork));
  }

  /** Returns the checksum as 0x and eight digits. */
  public String hashHex() {
    return String.format("0x%08x", hash);
  }
}
