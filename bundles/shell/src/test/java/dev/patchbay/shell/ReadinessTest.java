// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.shell;

import static org.assertj.core.api.Assertions.assertThat;

import dev.patchbay.api.node.Health;
import dev.patchbay.api.node.HealthReport;
import dev.patchbay.api.node.PartHealth;
import dev.patchbay.api.node.PartHealth.Kind;
import dev.patchbay.shell.Readiness.Verdict;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.junit.jupiter.api.Test;

class ReadinessTest {
  private static final long SECOND = 1_000_000_000L;
  private static final Health GOOD = Health.healthy("fine");

  private static PartHealth part(String name, Health health) {
    return new PartHealth(Kind.CHECK, name, health);
  }

  private static PartHealth part(Kind kind, String name, Health health) {
    return new PartHealth(kind, name, health);
  }

  private static Readiness of(Set<String> names, boolean booted, PartHealth... parts) {
    return Readiness.of(names, new HealthReport(List.of(parts), Map.of()), booted);
  }

  private static Readiness of(Health chain, boolean booted, PartHealth... broken) {
    List<PartHealth> parts = new ArrayList<>(List.of(broken));
    parts.add(part("execution", GOOD));
    parts.add(part("chain", chain));
    return of(Set.of("chain", "execution"), booted, parts.toArray(new PartHealth[0]));
  }

  @Test
  void theRequiredPartsDecide() {
    assertThat(of(GOOD, false).verdict()).isEqualTo(Verdict.READY);
    assertThat(of(Health.failed("refused"), false).verdict()).isEqualTo(Verdict.FAILED);
    assertThat(of(Health.unavailable("no store"), true).verdict()).isEqualTo(Verdict.WAIT);
    assertThat(of(Health.starting("opening"), true).verdict()).isEqualTo(Verdict.WAIT);
    assertThat(of(Health.starting("opening"), true).isStarting()).isTrue();
    Readiness refused = of(Health.failed("refused"), true);
    assertThat(refused.blocking()).containsExactly(part("chain", Health.failed("refused")));
  }

  @Test
  void aDegradedPartMayBecomeHealthyUntilTheBootEnds() {
    Health degraded = Health.degraded("no namespace eth");
    assertThat(of(degraded, false).verdict()).isEqualTo(Verdict.WAIT);
    assertThat(of(degraded, true).verdict()).isEqualTo(Verdict.READY);
    assertThat(of(degraded, true).warnings()).containsExactly(part("chain", degraded));
  }

  @Test
  void theNodeRunsWithoutOptionalParts() {
    PartHealth listener =
        part(Kind.COMPONENT, "rpc.listener~mine", Health.failed("the port is taken"));
    Readiness readiness = of(GOOD, true, listener);
    assertThat(readiness.verdict()).isEqualTo(Verdict.READY);
    assertThat(readiness.warnings()).containsExactly(listener);
    assertThat(readiness.hasFailures()).isTrue();
    assertThat(Readiness.line(listener))
        .isEqualTo("rpc.listener~mine is FAILED: the port is taken");
  }

  @Test
  void aComponentThatWaitsIsNoWarningOfAStart() {
    Readiness readiness =
        of(GOOD, true, part(Kind.COMPONENT, "a.Waiting", Health.unavailable("lacks B")));
    assertThat(readiness.warnings()).isEmpty();
    assertThat(readiness.hasFailures()).isFalse();
  }

  @Test
  void aRequiredPartWithoutACheckIsTheComponentOfItsPid() {
    Readiness readiness =
        of(Set.of("chain"), false, part(Kind.COMPONENT, "chain", Health.failed("wrong genesis")));
    assertThat(readiness.verdict()).isEqualTo(Verdict.FAILED);
    assertThat(readiness.all())
        .containsExactly(part(Kind.COMPONENT, "chain", Health.failed("wrong genesis")));
  }

  @Test
  void aRequiredPartWithoutACheckIsExplainedByItsBundle() {
    PartHealth waits =
        part(Kind.COMPONENT, "execution.Execution", Health.unavailable("lacks ChainReader"));
    assertThat(of(Set.of("execution"), true, waits).blocking())
        .containsExactly(
            part("execution", Health.unavailable("execution.Execution lacks ChainReader")));
    PartHealth stopped =
        part(Kind.BUNDLE, "dev.patchbay.execution", Health.failed("its start failed"));
    assertThat(of(Set.of("execution"), true, waits, stopped).verdict()).isEqualTo(Verdict.FAILED);
    assertThat(of(Set.of("execution"), true).blocking().get(0).health().message())
        .contains("dev.patchbay.execution is missing");
  }

  @Test
  void ofSeveralChecksWithOneNameThePreferredOneCountsAndAllAreShown() {
    PartHealth other = part("chain#2", Health.failed("shadowed"));
    Readiness readiness = of(Set.of("chain"), true, other, part("chain", GOOD));
    assertThat(readiness.verdict()).isEqualTo(Verdict.READY);
    assertThat(readiness.warnings()).containsExactly(other);
  }

  @Test
  void aStartIsStalledWithoutChangeAndWithoutWork() {
    Duration limit = Duration.ofSeconds(10);
    Stall stall = new Stall("a", 0, 0);
    assertThat(stall.isStalled("a", 9 * SECOND, 0, limit)).isFalse();
    assertThat(stall.isStalled("b", 9 * SECOND, 0, limit)).as("a change").isFalse();
    assertThat(stall.isStalled("b", 18 * SECOND, 0, limit)).isFalse();
    assertThat(stall.isStalled("b", 19 * SECOND, 3 * SECOND, limit)).as("work").isFalse();
    assertThat(stall.isStalled("b", 28 * SECOND, 3 * SECOND, limit)).isFalse();
    assertThat(stall.isStalled("b", 29 * SECOND, 4 * SECOND, limit)).isTrue();
  }
}
