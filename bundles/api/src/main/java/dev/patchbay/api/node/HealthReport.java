// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.api.node;

import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * The health of all parts of the node at one moment. Immutable.
 *
 * @param parts all health checks, and what else does not work. The root causes come first, the
 *     worst status before others, and of one status the parts that block most others. Parts that
 *     wait for a root cause follow, then those that are healthy
 * @param examined how many parts of each kind were looked at; a kind that was not is absent
 */
public record HealthReport(List<PartHealth> parts, Map<PartHealth.Kind, Integer> examined) {
  private static final Comparator<PartHealth> ORDER =
      Comparator.comparing((PartHealth part) -> !part.isRootCause())
          .thenComparing(part -> part.health().status(), Comparator.reverseOrder())
          .thenComparing(part -> -part.blocked().size())
          .thenComparing(PartHealth::name);

  /** Creates a report; sorts the parts. */
  public HealthReport {
    parts = parts.stream().sorted(ORDER).toList();
    examined = Map.copyOf(examined);
  }

  /** Returns the root causes: one for each thing that an operator may have to deal with. */
  public List<PartHealth> findings() {
    return parts.stream().filter(PartHealth::isRootCause).toList();
  }

  /** Returns the part of a name; empty when the report has none. */
  public Optional<PartHealth> part(String name) {
    return parts.stream().filter(part -> part.name().equals(name)).findFirst();
  }

  /** Returns the worst status of all parts; {@link Health.Status#HEALTHY} when there is none. */
  public Health.Status worst() {
    return parts.stream()
        .map(part -> part.health().status())
        .max(Comparator.naturalOrder())
        .orElse(Health.Status.HEALTHY);
  }
}
