// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.execution;

import dev.patchbay.api.evm.EvmEngine;
import dev.patchbay.api.execution.BlockExecutor;
import dev.patchbay.api.node.Health;
import dev.patchbay.api.node.HealthCheck;
import java.util.Set;
import org.jspecify.annotations.Nullable;
import org.osgi.service.component.annotations.Activate;
import org.osgi.service.component.annotations.Component;
import org.osgi.service.component.annotations.Reference;
import org.osgi.service.component.annotations.ReferenceCardinality;
import org.osgi.service.component.annotations.ReferencePolicy;
import org.osgi.service.component.annotations.ReferencePolicyOption;

/** Reports whether blocks can be executed. Threading: any thread. */
@Component
public final class ExecutionHealth implements HealthCheck {
  private volatile @Nullable EvmEngine engine;

  /** Creates the check; without an executor there is nothing to check. */
  @Activate
  public ExecutionHealth(@Reference BlockExecutor executor) {}

  @Reference(
      cardinality = ReferenceCardinality.OPTIONAL,
      policy = ReferencePolicy.DYNAMIC,
      policyOption = ReferencePolicyOption.GREEDY)
  void setEngine(EvmEngine next) {
    engine = next;
  }

  void unsetEngine(EvmEngine removed) {
    if (engine == removed) {
      engine = null;
    }
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
    return engine == null
        ? Health.unavailable(
            "no EVM is installed; start or install one, such as patchbay-evm-engine")
        : Health.healthy("an EVM is installed");
  }
}
