// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.evm;

import dev.patchbay.api.tracing.TraceContext;
import dev.patchbay.primitives.Address;
import dev.patchbay.primitives.Bytes;
import dev.patchbay.primitives.UInt256;
import dev.patchbay.primitives.execution.BlockContext;

/** The view of the state that tracers get. */
record TracedState(EvmState state, BlockContext block, Precompiles precompiles)
    implements TraceContext {
  @Override
  public boolean exists(Address address) {
    return state.entry(address).exists;
  }

  @Override
  public UInt256 balance(Address address) {
    return state.balance(address);
  }

  @Override
  public long nonce(Address address) {
    return state.nonce(address);
  }

  @Override
  public Bytes code(Address address) {
    return state.code(address);
  }

  @Override
  public UInt256 storage(Address address, UInt256 key) {
    return state.storage(address, key);
  }

  @Override
  public boolean isPrecompile(Address address) {
    return precompiles.has(address);
  }
}
