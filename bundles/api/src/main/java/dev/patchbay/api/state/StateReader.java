// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.api.state;

import dev.patchbay.primitives.Account;
import dev.patchbay.primitives.Address;
import dev.patchbay.primitives.Bytes;
import dev.patchbay.primitives.Hash;
import dev.patchbay.primitives.UInt256;
import java.util.function.BiPredicate;
import org.jspecify.annotations.Nullable;
import org.osgi.annotation.versioning.ProviderType;

/** The state after one block. Holds a lease on the store: close it. Threading: any thread. */
@ProviderType
public interface StateReader extends AutoCloseable {
  /** Returns an account, or null when it does not exist. */
  @Nullable Account account(Address address);

  /** Returns the value of a storage slot; zero when it was never written. */
  UInt256 storage(Address address, UInt256 key);

  /** Returns the code with a hash; empty for the hash of no code. */
  Bytes code(Hash codeHash);

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

  @Override
  void close();
}
