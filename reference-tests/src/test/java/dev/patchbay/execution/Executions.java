// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.execution;

import dev.patchbay.api.chain.ChainReader;
import dev.patchbay.api.evm.EvmEngine;
import dev.patchbay.api.execution.BlockExecutor;
import dev.patchbay.api.state.StateProvider;

/** Wires an executor as the container would. */
public final class Executions {
  private Executions() {}

  /** Returns an executor with an engine. */
  public static BlockExecutor of(ChainReader chain, StateProvider states, EvmEngine engine) {
    Execution execution = new Execution(chain, states);
    execution.setEngine(engine);
    return execution;
  }
}
