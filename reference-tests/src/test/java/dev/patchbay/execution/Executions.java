// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.execution;

import dev.patchbay.api.chain.HeaderReader;
import dev.patchbay.api.consensus.ProtocolSchedule;
import dev.patchbay.api.evm.EvmEngine;
import dev.patchbay.api.execution.BlockExecutor;
import dev.patchbay.api.state.StateProvider;

/** Wires an executor as the container would. */
public final class Executions {
  private Executions() {}

  /** Returns an executor with an engine. */
  public static BlockExecutor of(
      HeaderReader headers, ProtocolSchedule schedule, StateProvider states, EvmEngine engine) {
    return new Execution(headers, schedule, states, () -> engine);
  }
}
