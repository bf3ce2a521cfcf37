// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.api.state;

import dev.patchbay.primitives.Account;
import dev.patchbay.primitives.Address;
import dev.patchbay.primitives.Bytes;
import dev.patchbay.primitives.Hash;
import dev.patchbay.primitives.UInt256;
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

  @Override
  void close();
}
