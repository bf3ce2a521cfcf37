// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.api.payload;

import dev.patchbay.primitives.Address;
import dev.patchbay.primitives.Bytes;
import dev.patchbay.primitives.Hash;
import dev.patchbay.primitives.Withdrawal;
import java.util.List;

/**
 * What a block after the merge is to hold besides transactions (execution-apis, {@code
 * PayloadAttributes}).
 *
 * @param timestamp seconds since the Unix epoch
 * @param prevRandao previous RANDAO
 * @param feeRecipient account that fees go to
 * @param withdrawals withdrawals; ignored before Shanghai
 * @param parentBeaconBlockRoot root of the parent beacon block; ignored before Cancun
 * @param extraData extra data of the header
 */
public record PayloadAttributes(
    long timestamp,
    Hash prevRandao,
    Address feeRecipient,
    List<Withdrawal> withdrawals,
    Hash parentBeaconBlockRoot,
    Bytes extraData) {
  /** Copies the list. */
  public PayloadAttributes {
    withdrawals = List.copyOf(withdrawals);
  }
}
