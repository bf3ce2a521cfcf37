// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.shell;

import dev.patchbay.api.node.Health;
import dev.patchbay.api.node.HealthReport;
import dev.patchbay.api.node.PartHealth;
import dev.patchbay.api.node.PartHealth.Kind;
import java.io.PrintStream;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.apache.karaf.shell.api.action.Action;
import org.apache.karaf.shell.api.action.Command;
import org.apache.karaf.shell.api.action.lifecycle.Reference;
import org.apache.karaf.shell.api.action.lifecycle.Service;
import org.jspecify.annotations.Nullable;
import org.osgi.framework.BundleContext;

/** Shows what does not work and what to do next. Fails when a part failed or is unavailable. */
@Service
@Command(
    scope = "patchbay",
    name = "doctor",
    description =
        "Shows what does not work, why, and what to do; fails when a part failed or is unavailable")
@SuppressWarnings("NullAway") // Karaf injects the fields
public final class DoctorCommand implements Action {
  private static final int MAX_FINDINGS = 20;
  private static final int MAX_NAMES = 8;
  private static final int MAX_MESSAGE_CHARS = 500;
  private static final int MAX_WAITING_MESSAGES = 3;
  private static final String INDENT = " ".repeat(13);

  @Reference private BundleContext context;

  @Override
  public @Nullable Object execute() {
    HealthReport report = new Services(context).health();
    print(report, System.out);
    long broken = report.parts().stream().filter(part -> isBroken(part.health().status())).count();
    if (broken > 0) {
      throw new IllegalStateException(
          broken == 1 ? "1 part does not work" : broken + " parts do not work");
    }
    return null;
  }

  private static boolean isBroken(Health.Status status) {
    return status == Health.Status.UNAVAILABLE || status == Health.Status.FAILED;
  }

  static void print(HealthReport report, PrintStream out) {
    List<PartHealth> findings = report.findings();
    if (findings.isEmpty()) {
      out.println("the node is healthy: " + examined(report));
      return;
    }
    for (PartHealth part : findings.subList(0, Math.min(MAX_FINDINGS, findings.size()))) {
      out.printf(
          "%-11s  %s: %s%n", part.health().status(), part.title(), cut(part.health().message()));
      if (!part.nextStep().isEmpty()) {
        out.println(INDENT + "next: " + cut(part.nextStep()));
      }
      if (!part.blocked().isEmpty()) {
        out.println(INDENT + "also waits: " + names(part.blocked()));
        waiting(part, report)
            .limit(MAX_WAITING_MESSAGES)
            .forEach(
                check ->
                    out.println(INDENT + check.title() + ": " + cut(check.health().message())));
      }
    }
    out.println(
        (findings.size() == 1 ? "1 finding" : findings.size() + " findings")
            + (findings.size() > MAX_FINDINGS ? ", the first " + MAX_FINDINGS + " shown" : "")
            + ": "
            + examined(report));
  }

  /** Returns the health checks that wait for a part: their messages may say what to do. */
  private static Stream<PartHealth> waiting(PartHealth cause, HealthReport report) {
    return report.parts().stream()
        .filter(part -> part.kind() == Kind.CHECK && isBroken(part.health().status()))
        .filter(part -> cause.blocked().contains(part.name()));
  }

  /** Returns how many parts of each kind were examined. */
  private static String examined(HealthReport report) {
    List<String> counts = new ArrayList<>();
    for (Kind kind : Kind.values()) {
      Integer count = report.examined().get(kind);
      if (count != null) {
        counts.add(count + " " + plural(kind));
      }
    }
    return (counts.isEmpty() ? "nothing" : String.join(", ", counts)) + " examined";
  }

  private static String plural(Kind kind) {
    return switch (kind) {
      case CHECK -> "health checks";
      case COMPONENT -> "components";
      case BUNDLE -> "bundles";
      case FEATURE -> "features";
      case CONFIGURATION -> "factory configurations";
      case SERVICE -> "services";
    };
  }

  private static String names(List<String> all) {
    String first = all.stream().limit(MAX_NAMES).collect(Collectors.joining(", "));
    return all.size() <= MAX_NAMES ? first : first + " and " + (all.size() - MAX_NAMES) + " more";
  }

  /** Returns what a console shows of a message. */
  static String cut(String message) {
    return message.length() <= MAX_MESSAGE_CHARS
        ? message
        : message.substring(0, MAX_MESSAGE_CHARS) + "…";
  }
}
