// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.api.tracing;

import dev.patchbay.primitives.Address;
import dev.patchbay.primitives.Bytes;
import dev.patchbay.primitives.UInt256;
import dev.patchbay.primitives.execution.BlockContext;
import org.osgi.annotation.versioning.ProviderType;

/**
 * What a tracer can ask for while a transaction runs: its block, and the state as it is at that
 * moment. Asking changes nothing and warms nothing. Threading: the thread that calls the hooks.
 */
@ProviderType
public interface TraceContext {
  /** Returns what the code can learn about its block. */
  BlockContext block();

  /** Returns whether an account exists; an empty one may (EIP-161). */
  boolean exists(Address address);

  /** Returns the balance of an account in wei, zero when it does not exist. */
  UInt256 balance(Address address);

  /** Returns the nonce of an account, zero when it does not exist. */
  long nonce(Address address);

  /** Returns the code of an account, empty when it has none. */
  Bytes code(Address address);

  /** Returns the value of a storage slot, zero when it was never written. */
  UInt256 storage(Address address, UInt256 key);

  /** Returns whether there is a precompiled contract at an address. */
  boolean isPrecompile(Address address);
}
