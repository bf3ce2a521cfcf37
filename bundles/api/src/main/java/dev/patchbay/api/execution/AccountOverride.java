// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.api.execution;

import dev.patchbay.primitives.Address;
import dev.patchbay.primitives.Bytes;
import dev.patchbay.primitives.UInt256;
import java.util.Collections;
import java.util.HashMap;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * Parts of an account that a simulation replaces (execution-apis, {@code AccountOverride}); null
 * leaves a part as it is.
 *
 * @param balance in wei
 * @param nonce nonce
 * @param code code
 * @param slots storage slots
 * @param replacesStorage whether all other slots are empty
 * @param movesPrecompileTo where the precompiled contract of the account is instead; an account
 *     that is overridden in any way is none any more
 */
public record AccountOverride(
    @Nullable UInt256 balance,
    @Nullable Long nonce,
    @Nullable Bytes code,
    Map<UInt256, UInt256> slots,
    boolean replacesStorage,
    @Nullable Address movesPrecompileTo) {
  /** Copies the map. */
  public AccountOverride {
    // clients choose keys: where their hashes collide, this kind of map keeps its pace
    slots = Collections.unmodifiableMap(new HashMap<>(slots));
  }
}
