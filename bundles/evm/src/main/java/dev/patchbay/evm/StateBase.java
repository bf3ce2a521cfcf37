// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.evm;

import dev.patchbay.primitives.Account;
import dev.patchbay.primitives.Address;
import dev.patchbay.primitives.Bytes;
import dev.patchbay.primitives.Hash;
import dev.patchbay.primitives.UInt256;
import org.jspecify.annotations.Nullable;

/**
 * The state that an {@link EvmState} builds on; it does not change while that state is in use.
 *
 * <p>Threading: called by the thread that executes.
 */
public interface StateBase {
  /** Returns an account, or null when it does not exist. */
  @Nullable Account account(Address address);

  /** Returns the value of a storage slot, zero when it was never written. */
  UInt256 storage(Address address, UInt256 key);

  /** Returns the code with a hash; called for hashes of existing accounts only. */
  Bytes code(Hash codeHash);
}
