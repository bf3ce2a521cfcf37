// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.chain;

import dev.patchbay.primitives.Account;
import dev.patchbay.primitives.Hash;
import dev.patchbay.primitives.UInt256;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * A change of an account in the state.
 *
 * @param fields the fields of the account after the change; null when it no longer exists
 * @param slots the changed slots by the hash of their key; zero deletes a slot
 */
record AccountUpdate(@Nullable AccountFields fields, Map<Hash, UInt256> slots) {

  /** The fields of an account that do not depend on its storage. */
  record AccountFields(long nonce, UInt256 balance, Hash codeHash) {
    /** Reads the fields of an account as the flat state stores it; null when it is empty. */
    static @Nullable AccountFields of(byte[] slim) {
      if (slim.length == 0) {
        return null;
      }
      Account account = Account.decodeSlim(slim);
      return new AccountFields(account.nonce(), account.balance(), account.codeHash());
    }
  }
}
