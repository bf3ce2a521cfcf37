// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.primitives.execution;

import dev.patchbay.primitives.Account;
import dev.patchbay.primitives.Address;
import dev.patchbay.primitives.Bytes;
import dev.patchbay.primitives.Hash;
import dev.patchbay.primitives.UInt256;
import java.util.Collections;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * What a block, or a single call, changed in the state: accounts that differ from the state before,
 * each once.
 *
 * @param accounts the changed accounts, in no particular order
 */
public record StateChanges(List<AccountChange> accounts) {
  /** Nothing changed. */
  public static final StateChanges NONE = new StateChanges(List.of());

  /** Copies the list. */
  public StateChanges {
    accounts = List.copyOf(accounts);
  }

  /**
   * The change of one account.
   *
   * @param address the account
   * @param before the account before, null when it did not exist
   * @param exists whether the account exists now
   * @param nonce nonce now
   * @param balance balance now, in wei
   * @param codeHash hash of the code now
   * @param newCode the code, when it was deployed by this change; null otherwise
   * @param storageCleared whether all slots from before are gone, because the account was destroyed
   *     in between
   * @param storage slots that were written, with their values now; zero removes the slot
   */
  public record AccountChange(
      Address address,
      @Nullable Account before,
      boolean exists,
      long nonce,
      UInt256 balance,
      Hash codeHash,
      @Nullable Bytes newCode,
      boolean storageCleared,
      Map<UInt256, UInt256> storage) {
    /** Copies the map. */
    public AccountChange {
      // contracts choose keys: where their hashes collide, this kind of map keeps its pace
      storage = Collections.unmodifiableMap(new HashMap<>(storage));
    }
  }
}
