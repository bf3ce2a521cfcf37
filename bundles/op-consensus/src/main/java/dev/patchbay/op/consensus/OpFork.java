// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.op.consensus;

import dev.patchbay.primitives.ChainConfig;
import java.util.Locale;
import org.jspecify.annotations.Nullable;

/** The forks of the OP Stack, in order; each contains the rules of those before it. */
enum OpFork {
  /** The first with blocks of the shape of Ethereum's. */
  BEDROCK,
  /** Deposits use the gas that they use. */
  REGOLITH,
  /** Shanghai; receipts of deposits have a version. */
  CANYON,
  /** Cancun; L1 fees by blobs. */
  ECOTONE,
  /** L1 fees by compressed size; P256VERIFY. */
  FJORD,
  /** Pairings are limited. */
  GRANITE,
  /** Parameters of the base fee in the header. */
  HOLOCENE,
  /** Prague; operator fee, withdrawals root. */
  ISTHMUS,
  /** Least base fee, DA footprint. */
  JOVIAN,
  /** Pairings are limited further. */
  KARST;

  boolean includes(OpFork fork) {
    return ordinal() >= fork.ordinal();
  }

  /** Returns whether this fork begins just at a time in seconds since the Unix epoch, unsigned. */
  boolean beginsAt(long timestamp, ChainConfig config) {
    Long from = begin(rollup(config));
    return from != null && from == timestamp;
  }

  private @Nullable Long begin(ChainConfig.Rollup rollup) {
    return rollup.forkTimes().get(name().toLowerCase(Locale.ROOT));
  }

  /** Returns the rules at a time in seconds since the Unix epoch, unsigned. */
  static OpFork at(long timestamp, ChainConfig config) {
    ChainConfig.Rollup rollup = rollup(config);
    OpFork found = BEDROCK;
    for (OpFork fork : values()) {
      Long from = fork.begin(rollup);
      if (from != null && Long.compareUnsigned(timestamp, from) >= 0) {
        found = fork;
      }
    }
    return found;
  }

  static ChainConfig.Rollup rollup(ChainConfig config) {
    ChainConfig.Rollup rollup = config.rollup();
    if (rollup == null) {
      throw new IllegalArgumentException("the genesis has no config.optimism: it is no rollup");
    }
    return rollup;
  }
}
