// SPDX-License-Identifier: Apache-2.0
package com.example.counting;

import dev.patchbay.api.evm.EvmEngine;
import dev.patchbay.api.evm.EvmExecution;
import dev.patchbay.api.rpc.RpcMethod;
import dev.patchbay.api.rpc.RpcNamespace;
import dev.patchbay.api.state.StateReader;
import dev.patchbay.primitives.execution.BlockContext;
import java.util.Map;
import java.util.concurrent.atomic.LongAdder;
import org.osgi.service.component.annotations.Activate;
import org.osgi.service.component.annotations.Component;
import org.osgi.service.component.annotations.Reference;

/**
 * The EVM {@code counting}, which has the EVM {@code patchbay} execute and counts what it executes,
 * and the namespace {@code counting}, which returns the counts since the component was activated.
 * The reference to the other EVM is static: while that one is updated, this component is
 * deactivated, and the node waits for both.
 *
 * <p>Threading: any thread.
 */
@Component(property = {EvmEngine.NAME + "=counting", RpcNamespace.NAME + "=counting"})
public final class CountingEvm implements EvmEngine, RpcNamespace {
  private final EvmEngine evm;
  private final LongAdder transactions = new LongAdder();
  private final LongAdder calls = new LongAdder();
  private final Map<String, RpcMethod> methods =
      Map.of(
          "counting_transactions", (params, session) -> transactions.sum(),
          "counting_calls", (params, session) -> calls.sum());

  /** Takes the EVM that executes. */
  @Activate
  public CountingEvm(@Reference(target = "(" + EvmEngine.NAME + "=patchbay)") EvmEngine evm) {
    this.evm = evm;
  }

  @Override
  public EvmExecution open(BlockContext block, StateReader parent) {
    return new CountingExecution(evm.open(block, parent), transactions, calls);
  }

  @Override
  public Map<String, RpcMethod> methods() {
    return methods;
  }
}
