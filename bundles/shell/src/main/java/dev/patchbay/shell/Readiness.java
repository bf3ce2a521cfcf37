// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.shell;

import dev.patchbay.api.node.Health;
import dev.patchbay.api.node.HealthCheck;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Comparator;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import java.util.function.Function;

/**
 * Decides from the health of its parts whether a node is ready. A node requires some parts; any
 * other part may be broken, and the node runs without it.
 *
 * @param required the parts that the node requires, in the order of their names
 * @param optional the other parts, in the order of their names
 * @param isBootFinished whether the container has started all bundles that it was asked to start
 */
record Readiness(List<Part> required, List<Part> optional, boolean isBootFinished) {
  /** The health of the part of a name. */
  record Part(String name, Health health) {
    @Override
    public String toString() {
      return name + " is " + health.status() + ": " + health.message();
    }
  }

  /** What a start does next. */
  enum Verdict {
    /** Each required part works. */
    READY,
    /** A required part does not work yet, and may work later without an operator. */
    WAIT,
    /** A required part does not work, and an operator must act. */
    FAILED
  }

  /**
   * Asks all parts.
   *
   * @param names the names of the required parts
   * @param missing returns the health of a required part that has registered no check
   * @param checks the checks, the preferred one first where several have one name
   * @param broken components and bundles that failed, without a check of their own
   */
  static Readiness of(
      Set<String> names,
      Collection<HealthCheck> checks,
      Function<String, Health> missing,
      List<Part> broken,
      boolean isBootFinished) {
    List<Part> known = new ArrayList<>();
    checks.forEach(check -> known.add(new Part(check.name(), ask(check))));
    known.sort(Comparator.comparing(Part::name)); // stable: the preferred service stays first
    List<Part> required = new ArrayList<>();
    for (String name : new TreeSet<>(names)) {
      Part part =
          known.stream()
              .filter(candidate -> candidate.name().equals(name))
              .findFirst()
              .orElseGet(() -> new Part(name, missing.apply(name)));
      required.add(part);
      known.remove(part);
    }
    broken.stream().filter(part -> !names.contains(part.name())).forEach(known::add);
    return new Readiness(List.copyOf(required), List.copyOf(known), isBootFinished);
  }

  private static Health ask(HealthCheck check) {
    try {
      return check.check();
    } catch (RuntimeException | LinkageError broken) {
      return Health.failed("the health check failed: " + broken);
    }
  }

  /** Returns whether the node is ready. A degraded part may become healthy until the boot ends. */
  Verdict verdict() {
    if (has(required, Health.Status.FAILED)) {
      return Verdict.FAILED;
    }
    boolean ready =
        required.stream()
            .map(Part::health)
            .allMatch(
                health ->
                    isBootFinished ? health.isWorking() : health.status() == Health.Status.HEALTHY);
    return ready ? Verdict.READY : Verdict.WAIT;
  }

  /** Returns whether a required part is starting: no time limit applies to it. */
  boolean isStarting() {
    return has(required, Health.Status.STARTING);
  }

  /** Returns whether any part failed. A required part may wait for it, without an end. */
  boolean hasFailures() {
    return has(required, Health.Status.FAILED) || has(optional, Health.Status.FAILED);
  }

  private static boolean has(List<Part> parts, Health.Status status) {
    return parts.stream().anyMatch(part -> part.health().status() == status);
  }

  /** Returns all parts, the required ones first. */
  List<Part> all() {
    List<Part> out = new ArrayList<>(required);
    out.addAll(optional);
    return out;
  }

  /** Returns the required parts that do not work. */
  List<Part> blocking() {
    return required.stream().filter(part -> !part.health().isWorking()).toList();
  }

  /** Returns the parts that the node runs without, or with limits. */
  List<Part> warnings() {
    List<Part> out = new ArrayList<>(required);
    out.removeIf(part -> part.health().status() != Health.Status.DEGRADED);
    optional.stream()
        .filter(part -> part.health().status() != Health.Status.HEALTHY)
        .forEach(out::add);
    return out;
  }
}
