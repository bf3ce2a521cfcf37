// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.api.state;

import dev.patchbay.primitives.Account;
import dev.patchbay.primitives.Hash;
import dev.patchbay.primitives.UInt256;
import java.util.function.BiPredicate;
import org.osgi.annotation.versioning.ProviderType;

/** A state whose accounts and slots can be iterated. Threading: any thread. */
@ProviderType
public interface IterableStateReader extends StateReader {
  /**
   * Visits accounts in the order of the hashes of their addresses, until the visitor returns false.
   *
   * @param from the first hash, inclusive
   */
  void accounts(Hash from, BiPredicate<Hash, Account> visitor);

  /**
   * Visits the slots of an account that are not zero in the order of the hashes of their keys,
   * until the visitor returns false.
   *
   * @param account hash of the address
   * @param from the first hash, inclusive
   */
  void slots(Hash account, Hash from, BiPredicate<Hash, UInt256> visitor);
}
