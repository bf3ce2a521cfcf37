// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.shell;

import static org.assertj.core.api.Assertions.assertThat;

import dev.patchbay.api.node.Health;
import dev.patchbay.api.node.HealthReport;
import dev.patchbay.api.node.PartHealth;
import dev.patchbay.api.node.PartHealth.Kind;
import java.io.ByteArrayOutputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

class DoctorCommandTest {
  private static final PartHealth CHAIN =
      new PartHealth(
          Kind.CHECK, "chain", Health.unavailable("no store"), "", List.of("store"), List.of());
  private static final PartHealth STORE =
      new PartHealth(
          Kind.BUNDLE,
          "store",
          Health.failed("its start failed"),
          "bundle:diag 7 shows the reason",
          List.of(),
          List.of("chain"));

  private static HealthReport report(PartHealth... parts) {
    return new HealthReport(List.of(parts), Map.of(Kind.CHECK, 3, Kind.BUNDLE, 40));
  }

  private static List<String> print(HealthReport report) {
    ByteArrayOutputStream out = new ByteArrayOutputStream();
    DoctorCommand.print(report, new PrintStream(out, true, StandardCharsets.UTF_8));
    return out.toString(StandardCharsets.UTF_8).lines().toList();
  }

  @Test
  void aHealthyNodeIsOneLine() {
    HealthReport healthy = report(new PartHealth(Kind.CHECK, "chain", Health.healthy("fine")));
    assertThat(print(healthy))
        .containsExactly("the node is healthy: 3 health checks, 40 bundles examined");
    assertThat(StatusCommand.health(healthy)).isEqualTo("HEALTHY");
  }

  @Test
  void aCauseIsOneFindingWithTheNextStepAndWhatWaits() {
    assertThat(print(report(CHAIN, STORE)))
        .containsExactly(
            "FAILED       bundle store: its start failed",
            "             next: bundle:diag 7 shows the reason",
            "             also waits: chain",
            "             chain: no store",
            "1 finding: 3 health checks, 40 bundles examined");
    assertThat(StatusCommand.health(report(CHAIN, STORE)))
        .isEqualTo("FAILED: bundle store: its start failed");
  }

  @Test
  void theOutputIsShortWhateverAThirdPartyDoes() {
    List<PartHealth> parts = new ArrayList<>();
    List<String> waiting = IntStream.range(0, 100).mapToObj(i -> "part" + i).toList();
    for (int i = 0; i < 100; i++) {
      parts.add(
          new PartHealth(
              Kind.BUNDLE, "b" + i, Health.failed("x".repeat(900)), "", List.of(), waiting));
    }
    HealthReport report = new HealthReport(parts, Map.of());
    List<String> lines = print(report);
    assertThat(lines).hasSize(41).allMatch(line -> line.length() < 600);
    assertThat(lines.get(1)).endsWith("part7 and 92 more");
    assertThat(lines.get(40)).startsWith("100 findings, the first 20 shown");
    assertThat(StatusCommand.health(report))
        .hasSizeLessThan(600)
        .endsWith("; 100 findings, see patchbay:doctor");
  }
}
