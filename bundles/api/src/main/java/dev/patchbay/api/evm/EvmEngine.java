// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.api.evm;

import dev.patchbay.api.state.StateReader;
import dev.patchbay.primitives.execution.BlockContext;
import org.osgi.annotation.versioning.ConsumerType;

/** An implementation of the EVM; a service. Threading: any thread. */
@ConsumerType
public interface EvmEngine {
  /** Starts the execution of a block, or of a single call, on top of a state. */
  EvmExecution open(BlockContext block, StateReader parent);
}
