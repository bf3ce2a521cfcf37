// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.health;

import dev.patchbay.api.node.Health;
import dev.patchbay.api.node.HealthCheck;
import dev.patchbay.health.Snapshot.CheckState;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ConcurrentSkipListMap;
import org.osgi.framework.ServiceReference;

/** The registered health checks. Threading: any thread. */
final class HealthChecks {
  private final Map<ServiceReference<HealthCheck>, HealthCheck> checks =
      new ConcurrentSkipListMap<>(Comparator.reverseOrder());

  void add(ServiceReference<HealthCheck> reference, HealthCheck check) {
    checks.put(reference, check);
  }

  void remove(ServiceReference<HealthCheck> reference, HealthCheck check) {
    checks.remove(reference, check);
  }

  /** Asks all checks, the preferred one first where several have one name. */
  List<CheckState> ask() {
    return checks.values().stream().map(HealthChecks::ask).toList();
  }

  /** Asks a check. A check that throws, or returns null, counts as failed. */
  static CheckState ask(HealthCheck check) {
    String name = check.getClass().getName();
    try {
      name = String.valueOf(check.name());
      Health health = check.check();
      return health == null
          ? new CheckState(name, Health.failed("the health check returns null"), Set.of())
          : new CheckState(name, health, Set.copyOf(check.dependencies()));
    } catch (Throwable broken) { // of any bundle: the others are asked nevertheless
      return new CheckState(name, Health.failed("the health check failed: " + broken), Set.of());
    }
  }
}
