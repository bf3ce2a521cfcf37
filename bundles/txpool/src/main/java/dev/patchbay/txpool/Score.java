// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.txpool;

/**
 * What a transaction is worth to the builder of the next blocks; the lowest leaves a full pool
 * first.
 *
 * @param rank 0 when the next block can hold it; otherwise minus the number of empty blocks until
 *     the fees have come down to what it pays, or {@link #QUEUED}
 * @param tip what the builder gets for one unit of gas, in wei; {@link Long#MAX_VALUE} when more
 */
record Score(int rank, long tip) implements Comparable<Score> {
  /** The rank of a transaction that waits for an earlier nonce. */
  static final int QUEUED = Integer.MIN_VALUE;

  static final Score HIGHEST = new Score(0, Long.MAX_VALUE);

  @Override
  public int compareTo(Score other) {
    int byRank = Integer.compare(rank, other.rank);
    return byRank == 0 ? Long.compare(tip, other.tip) : byRank;
  }

  Score min(Score other) {
    return compareTo(other) <= 0 ? this : other;
  }
}
