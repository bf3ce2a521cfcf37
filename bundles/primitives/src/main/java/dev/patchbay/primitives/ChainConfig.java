// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.primitives;

import java.util.Arrays;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.NavigableMap;
import java.util.SortedSet;
import java.util.TreeMap;
import java.util.TreeSet;
import org.jspecify.annotations.Nullable;

/**
 * When each fork of a chain is in force, and the constants that differ between chains: the {@code
 * config} object of a geth genesis.
 *
 * @param chainId the chain id (EIP-155)
 * @param forkBlocks first block number of the forks up to Gray Glacier
 * @param forkTimes first timestamp, in seconds, of the forks from Shanghai on
 * @param terminalTotalDifficulty total difficulty at which proof of work ends (EIP-3675); null when
 *     it does not
 * @param blobSchedules blob parameters by the timestamp from which they hold
 * @param depositContract the deposit contract (EIP-6110); null when there is none
 * @param clique parameters of proof of authority (EIP-225); null under other consensus
 * @param daoForkBlock number of the block that moves the ether of The DAO; null when none does
 * @param mergeNetsplitBlock number that counts as a fork when nodes compare their rules (EIP-2124,
 *     EIP-3675); null for none
 * @param proofOfAuthority whether forks from Shanghai on are in force without a merge
 * @param rollup parameters of a rollup of the OP Stack; null for a chain that stands by itself
 */
public record ChainConfig(
    UInt256 chainId,
    Map<Fork, Long> forkBlocks,
    Map<Fork, Long> forkTimes,
    @Nullable UInt256 terminalTotalDifficulty,
    NavigableMap<Long, BlobSchedule> blobSchedules,
    @Nullable Address depositContract,
    @Nullable Clique clique,
    @Nullable Long daoForkBlock,
    @Nullable Long mergeNetsplitBlock,
    boolean proofOfAuthority,
    @Nullable Rollup rollup) {

  /**
   * Parameters of Clique.
   *
   * @param period least seconds between blocks; 0 seals when there are transactions
   * @param epoch blocks between two checkpoints
   */
  public record Clique(long period, long epoch) {}

  /**
   * Parameters of a rollup of the OP Stack: the {@code optimism} object of a genesis, and when its
   * own forks happen.
   *
   * @param elasticity greatest gas of a block in gas targets (EIP-1559)
   * @param denominator how slowly the base fee moves, before Canyon
   * @param denominatorCanyon the same from Canyon on
   * @param forkTimes first timestamp, in seconds, of the forks from Regolith on, by name in lower
   *     case
   */
  public record Rollup(
      long elasticity, long denominator, long denominatorCanyon, Map<String, Long> forkTimes) {
    /** Copies the map. */
    public Rollup {
      forkTimes = Map.copyOf(forkTimes);
    }
  }

  /** Copies the maps. */
  public ChainConfig {
    forkBlocks = Map.copyOf(forkBlocks);
    forkTimes = Map.copyOf(forkTimes);
    blobSchedules = new TreeMap<>(blobSchedules);
  }

  /**
   * Returns a configuration in which {@code fork} and all before it hold from the start: for tests
   * and simulations.
   */
  public static ChainConfig of(UInt256 chainId, Fork fork) {
    Map<Fork, Long> blocks = new EnumMap<>(Fork.class);
    Map<Fork, Long> times = new EnumMap<>(Fork.class);
    for (Fork f : List.of(Fork.values())) {
      if (fork.includes(f)) {
        (f.includes(Fork.SHANGHAI) ? times : blocks).put(f, 0L);
      }
    }
    TreeMap<Long, BlobSchedule> blobs = new TreeMap<>();
    if (fork.includes(Fork.CANCUN)) {
      blobs.put(0L, fork.includes(Fork.PRAGUE) ? BlobSchedule.PRAGUE : BlobSchedule.CANCUN);
    }
    return new ChainConfig(
        chainId,
        blocks,
        times,
        null,
        blobs,
        null,
        null,
        null,
        null,
        fork.includes(Fork.PARIS),
        null);
  }

  /**
   * Returns the rules of a block.
   *
   * @param number its number
   * @param timestamp its timestamp in seconds since the Unix epoch, unsigned
   */
  public Fork forkAt(long number, long timestamp) {
    Fork found = Fork.FRONTIER;
    for (Map.Entry<Fork, Long> entry : forkBlocks.entrySet()) {
      if (number >= entry.getValue() && entry.getKey().includes(found)) {
        found = entry.getKey();
      }
    }
    for (Map.Entry<Fork, Long> entry : forkTimes.entrySet()) {
      if (Long.compareUnsigned(timestamp, entry.getValue()) >= 0
          && entry.getKey().includes(found)) {
        found = entry.getKey();
      }
    }
    return found;
  }

  /**
   * Returns the rules of a block by its header: under a terminal total difficulty, a header without
   * difficulty is of the time after the merge (EIP-3675).
   */
  public Fork forkOf(BlockHeader header) {
    Fork fork = forkAt(header.number(), header.timestamp());
    boolean merged = terminalTotalDifficulty != null && header.difficulty().isZero();
    return merged && clique == null && !fork.includes(Fork.PARIS) ? Fork.PARIS : fork;
  }

  /** Returns the name of the consensus rules that the chain asks for: clique, engine or op. */
  public String consensus() {
    return !isDriven() ? "clique" : rollup == null ? "engine" : "op";
  }

  /** Returns whether a consensus client says which block is the head, once there is a merge. */
  public boolean isDriven() {
    return clique == null;
  }

  /** Returns the block numbers from which some fork holds, ascending, without that of genesis. */
  public SortedSet<Long> forkBlockNumbers() {
    SortedSet<Long> out = new TreeSet<>(forkBlocks.values());
    for (Long more : Arrays.asList(daoForkBlock, mergeNetsplitBlock)) {
      if (more != null) {
        out.add(more);
      }
    }
    out.remove(0L);
    return out;
  }

  /** Returns the timestamps from which some fork or blob parameters hold, ascending. */
  public SortedSet<Long> forkTimestamps() {
    SortedSet<Long> out = new TreeSet<>(forkTimes.values());
    if (forkTimes.containsKey(Fork.CANCUN)) {
      out.addAll(blobSchedules.keySet());
    }
    if (rollup != null) {
      out.addAll(rollup.forkTimes.values());
    }
    return out;
  }

  /** Returns the blob parameters at a timestamp; those of Cancun before any is scheduled. */
  public BlobSchedule blobScheduleAt(long timestamp) {
    long known = timestamp < 0 ? Long.MAX_VALUE : timestamp;
    Map.Entry<Long, BlobSchedule> entry = blobSchedules.floorEntry(known);
    return entry == null ? BlobSchedule.CANCUN : entry.getValue();
  }
}
