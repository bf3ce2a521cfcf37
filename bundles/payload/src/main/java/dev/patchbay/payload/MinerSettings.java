// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.payload;

import dev.patchbay.api.payload.MinerControl;
import dev.patchbay.primitives.Bytes;
import dev.patchbay.primitives.UInt256;
import dev.patchbay.primitives.execution.BlockLimits;
import java.util.List;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * What the operator has set about the blocks that this node builds, over what is configured. It is
 * handed over to the successor of the bundle.
 *
 * <p>Threading: any thread.
 */
final class MinerSettings implements MinerControl {
  /** The most bytes of extra data that are not those of the consensus rules. */
  static final int MAX_EXTRA = 32;

  private final long configuredGasLimit;
  private volatile long gasLimit;
  private volatile UInt256 leastTip = UInt256.ZERO;
  private volatile @Nullable Bytes extra;

  /**
   * Creates settings with nothing set by the operator.
   *
   * @param configuredGasLimit the gas limit, at least {@link BlockLimits#MIN_GAS_LIMIT}
   */
  MinerSettings(long configuredGasLimit) {
    this.configuredGasLimit = configuredGasLimit;
    this.gasLimit = configuredGasLimit;
  }

  @Override
  public void setGasLimit(long gas) {
    if (gas < BlockLimits.MIN_GAS_LIMIT) {
      throw new IllegalArgumentException(
          "the gas limit must be at least " + BlockLimits.MIN_GAS_LIMIT + ", not " + gas);
    }
    gasLimit = gas;
  }

  @Override
  public void setGasPrice(UInt256 tip) {
    leastTip = tip;
  }

  @Override
  public void setExtra(Bytes bytes) {
    if (bytes.size() > MAX_EXTRA) {
      throw new IllegalArgumentException(
          "extra data has " + bytes.size() + " bytes, at most " + MAX_EXTRA + " are allowed");
    }
    extra = bytes;
  }

  /** Returns the gas limit towards which blocks move. */
  long gasLimit() {
    return gasLimit;
  }

  /** Returns the least tip of transactions that are taken, in wei per gas. */
  UInt256 leastTip() {
    return leastTip;
  }

  /** Returns the extra data of blocks; null when the operator has not set it. */
  @Nullable Bytes extra() {
    return extra;
  }

  /** Returns what a successor needs, which {@link #restore} takes. */
  Object handOver() {
    return List.of(configuredGasLimit, gasLimit, leastTip, Optional.ofNullable(extra));
  }

  /**
   * Takes the settings of a predecessor. Its gas limit counts only while the configured one is what
   * it was: a limit that is configured later replaces it.
   *
   * @param handedOver from {@link #handOver}; null, and what another version has handed over, for
   *     nothing
   */
  void restore(@Nullable Object handedOver) {
    if (handedOver instanceof List<?> fields
        && fields.size() == 4
        && fields.get(0) instanceof Long configured
        && fields.get(1) instanceof Long limit
        && fields.get(2) instanceof UInt256 tip
        && fields.get(3) instanceof Optional<?> bytes) {
      if (configured == configuredGasLimit && limit >= BlockLimits.MIN_GAS_LIMIT) {
        gasLimit = limit;
      }
      leastTip = tip;
      if (bytes.orElse(null) instanceof Bytes set && set.size() <= MAX_EXTRA) {
        extra = set;
      }
    }
  }
}
