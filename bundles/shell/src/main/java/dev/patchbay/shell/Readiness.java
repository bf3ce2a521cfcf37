// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.shell;

import dev.patchbay.api.node.Health;
import dev.patchbay.api.node.HealthReport;
import dev.patchbay.api.node.PartHealth;
import dev.patchbay.api.node.PartHealth.Kind;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.Collectors;

/**
 * Decides from the health of its parts whether a node is ready. A node requires some parts; any
 * other part may be broken, and the node runs without it.
 *
 * @param required the parts that the node requires, in the order of their names
 * @param optional the other health checks, and all other parts that failed
 * @param isBootFinished whether the container has started all bundles that it was asked to start
 */
record Readiness(List<PartHealth> required, List<PartHealth> optional, boolean isBootFinished) {
  private static final String OURS = "dev.patchbay.";

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
   * Reads a report.
   *
   * @param names the names of the required parts
   */
  static Readiness of(Set<String> names, HealthReport report, boolean isBootFinished) {
    List<PartHealth> required = new ArrayList<>();
    for (String name : new TreeSet<>(names)) {
      required.add(report.part(name).orElseGet(() -> missing(name, report)));
    }
    List<PartHealth> optional =
        report.parts().stream()
            .filter(part -> !names.contains(part.name()))
            .filter(
                part -> part.kind() == Kind.CHECK || part.health().status() == Health.Status.FAILED)
            .toList();
    return new Readiness(List.copyOf(required), optional, isBootFinished);
  }

  /**
   * Returns the health of a required part that the report does not name: that of its bundle, or of
   * the components of its bundle.
   */
  private static PartHealth missing(String name, HealthReport report) {
    List<PartHealth> own =
        report.parts().stream()
            .filter(part -> part.health().status() != Health.Status.HEALTHY)
            .filter(part -> part.name().equals(OURS + name) || isComponent(part, name))
            .toList();
    Health health =
        own.stream()
            .map(PartHealth::health)
            .filter(found -> found.status() == Health.Status.FAILED)
            .findFirst()
            .orElseGet(
                () ->
                    Health.unavailable(
                        own.isEmpty()
                            ? "the part has not started; its bundle or its configuration "
                                + OURS
                                + name
                                + " is missing"
                            : own.stream()
                                .map(part -> part.name() + " " + part.health().message())
                                .collect(Collectors.joining("; "))));
    return new PartHealth(Kind.CHECK, name, health);
  }

  private static boolean isComponent(PartHealth part, String bundle) {
    return part.kind() == Kind.COMPONENT
        && part.name().startsWith(bundle + ".")
        && part.name().indexOf('.', bundle.length() + 1) < 0;
  }

  /** Returns whether the node is ready. A degraded part may become healthy until the boot ends. */
  Verdict verdict() {
    if (has(required, Health.Status.FAILED)) {
      return Verdict.FAILED;
    }
    boolean ready =
        required.stream()
            .map(PartHealth::health)
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

  private static boolean has(List<PartHealth> parts, Health.Status status) {
    return parts.stream().anyMatch(part -> part.health().status() == status);
  }

  /** Returns all parts, the required ones first. */
  List<PartHealth> all() {
    List<PartHealth> out = new ArrayList<>(required);
    out.addAll(optional);
    return out;
  }

  /** Returns the required parts that do not work. */
  List<PartHealth> blocking() {
    return required.stream().filter(part -> !part.health().isWorking()).toList();
  }

  /** Returns the parts that the node runs without, or with limits. */
  List<PartHealth> warnings() {
    List<PartHealth> out = new ArrayList<>(required);
    out.removeIf(part -> part.health().status() != Health.Status.DEGRADED);
    optional.stream()
        .filter(part -> part.health().status() != Health.Status.HEALTHY)
        .forEach(out::add);
    return out;
  }

  /** Returns a part as one line of a message. */
  static String line(PartHealth part) {
    return part.title() + " is " + part.health().status() + ": " + part.health().message();
  }
}
