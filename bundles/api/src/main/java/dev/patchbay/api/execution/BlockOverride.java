// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.api.execution;

import dev.patchbay.primitives.Address;
import dev.patchbay.primitives.Hash;
import dev.patchbay.primitives.UInt256;
import org.jspecify.annotations.Nullable;

/**
 * Parts of a block that a simulation replaces (execution-apis, {@code BlockOverrides}); null leaves
 * a part as it is.
 *
 * @param number block number
 * @param timestamp seconds since the Unix epoch
 * @param gasLimit gas limit
 * @param feeRecipient account that fees go to
 * @param prevRandao previous RANDAO
 * @param difficulty difficulty
 * @param baseFeePerGas wei per gas
 * @param blobBaseFee wei per blob gas
 */
public record BlockOverride(
    @Nullable Long number,
    @Nullable Long timestamp,
    @Nullable Long gasLimit,
    @Nullable Address feeRecipient,
    @Nullable Hash prevRandao,
    @Nullable UInt256 difficulty,
    @Nullable UInt256 baseFeePerGas,
    @Nullable UInt256 blobBaseFee) {
  /** Leaves everything as it is. */
  public static final BlockOverride NONE =
      new BlockOverride(null, null, null, null, null, null, null, null);
}
