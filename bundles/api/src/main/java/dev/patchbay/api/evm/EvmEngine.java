// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.api.evm;

import dev.patchbay.api.state.StateReader;
import dev.patchbay.primitives.execution.BlockContext;
import org.osgi.annotation.versioning.ConsumerType;

/**
 * An implementation of the EVM. Registered as a service with the property {@value #NAME}. A chain
 * uses the EVM that is written with it ({@link EvmChoice}), whatever else is installed. Threading:
 * any thread.
 */
@ConsumerType
public interface EvmEngine {
  /**
   * Service property: the name by which operators choose the EVM, of at most 200 letters, digits,
   * '.', '_' and '-'. An EVM without it cannot be chosen.
   */
  String NAME = "evm.name";

  /** Starts the execution of a block, or of a single call, on top of a state. */
  EvmExecution open(BlockContext block, StateReader parent);
}
