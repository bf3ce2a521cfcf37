// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.api.node;

import java.util.List;
import java.util.Objects;

/**
 * The health of one part of the node in a {@link HealthReport}. Immutable. No text has a control
 * character.
 *
 * @param kind where the health comes from
 * @param name the name of the part, unique in its report
 * @param health whether the part works, and why not
 * @param nextStep what an operator does next; empty when the message of the health says it, and
 *     when nothing has to be done
 * @param causes the names of the parts that keep this part from working; empty for a root cause and
 *     for a part that works
 * @param blocked the names of the parts that this part keeps from working, in alphabetical order
 */
public record PartHealth(
    Kind kind,
    String name,
    Health health,
    String nextStep,
    List<String> causes,
    List<String> blocked) {

  /** Where the health of a part comes from. */
  public enum Kind {
    /** A registered {@link HealthCheck}. */
    CHECK,
    /** A component of Declarative Services, named by its PID without {@code dev.patchbay.}. */
    COMPONENT,
    /** A bundle, named by its symbolic name. */
    BUNDLE,
    /** A feature, one of whose bundles is not installed. */
    FEATURE,
    /** Configurations of one factory PID. */
    CONFIGURATION,
    /** A service that a component requires, and that no installed bundle provides. */
    SERVICE
  }

  /**
   * Creates the health of a part.
   *
   * @throws NullPointerException when an argument is null
   */
  public PartHealth {
    Objects.requireNonNull(kind, "kind");
    Objects.requireNonNull(name, "name");
    Objects.requireNonNull(health, "health");
    Objects.requireNonNull(nextStep, "nextStep");
    causes = List.copyOf(causes);
    blocked = List.copyOf(blocked);
  }

  /** Creates the health of a part that has no cause, blocks no other part, and needs no step. */
  public PartHealth(Kind kind, String name, Health health) {
    this(kind, name, health, "", List.of(), List.of());
  }

  /** Returns whether the part is not healthy, and no other part is the reason. */
  public boolean isRootCause() {
    return health.status() != Health.Status.HEALTHY && causes.isEmpty();
  }

  /** Returns the name, with the kind before it unless the part is a check or a component. */
  public String title() {
    return switch (kind) {
      case CHECK, COMPONENT -> name;
      case BUNDLE -> "bundle " + name;
      case FEATURE -> "feature " + name;
      case CONFIGURATION -> "configuration " + name;
      case SERVICE -> "service " + name;
    };
  }
}
