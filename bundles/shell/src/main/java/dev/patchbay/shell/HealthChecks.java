// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.shell;

import dev.patchbay.api.node.HealthCheck;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentSkipListMap;
import org.osgi.framework.ServiceReference;
import org.osgi.service.component.annotations.Component;
import org.osgi.service.component.annotations.Reference;
import org.osgi.service.component.annotations.ReferenceCardinality;
import org.osgi.service.component.annotations.ReferencePolicy;
import org.osgi.service.component.annotations.ReferencePolicyOption;

/**
 * Collects the health checks of all parts. A part whose activation fails is asked for its check
 * only once: a look-up for each command would activate the part again each time. Threading: any
 * thread.
 */
@Component(service = HealthChecks.class, immediate = true)
public final class HealthChecks {
  private final Map<ServiceReference<HealthCheck>, HealthCheck> checks =
      new ConcurrentSkipListMap<>(Comparator.reverseOrder());

  @Reference(
      cardinality = ReferenceCardinality.MULTIPLE,
      policy = ReferencePolicy.DYNAMIC,
      policyOption = ReferencePolicyOption.GREEDY)
  void addCheck(ServiceReference<HealthCheck> reference, HealthCheck check) {
    checks.put(reference, check);
  }

  void removeCheck(ServiceReference<HealthCheck> reference, HealthCheck check) {
    checks.remove(reference, check);
  }

  /** Returns the checks, the preferred one first where several have one name. */
  List<HealthCheck> all() {
    return List.copyOf(checks.values());
  }
}
