// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.execution;

import dev.patchbay.api.evm.EvmChoice;
import dev.patchbay.api.evm.EvmEngine;
import dev.patchbay.api.execution.BlockExecutor;
import dev.patchbay.api.execution.NotReadyException;
import dev.patchbay.api.node.Health;
import dev.patchbay.api.node.HealthCheck;
import java.util.Set;
import org.osgi.service.component.annotations.Activate;
import org.osgi.service.component.annotations.Component;
import org.osgi.service.component.annotations.Reference;

/** Reports whether blocks can be executed. Threading: any thread. */
@Component
public final class ExecutionHealth implements HealthCheck {
  private final EvmChoice evm;

  /** Creates the check; without an executor there is nothing to check. */
  @Activate
  public ExecutionHealth(@Reference BlockExecutor executor, @Reference EvmChoice evm) {
    this.evm = evm;
  }

  @Override
  public String name() {
    return "execution";
  }

  @Override
  public Set<String> dependencies() {
    return Set.of(EvmEngine.class.getName());
  }

  @Override
  public Health check() {
    try {
      evm.engine();
      return Health.healthy("the EVM of the chain is installed");
    } catch (NotReadyException missing) {
      return Health.unavailable(String.valueOf(missing.getMessage()));
    }
  }
}
