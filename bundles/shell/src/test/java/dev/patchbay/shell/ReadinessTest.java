// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.shell;

import static org.assertj.core.api.Assertions.assertThat;

import dev.patchbay.api.node.Health;
import dev.patchbay.api.node.HealthCheck;
import dev.patchbay.shell.Readiness.Part;
import dev.patchbay.shell.Readiness.Verdict;
import java.time.Duration;
import java.util.List;
import java.util.Set;
import java.util.function.Supplier;
import org.junit.jupiter.api.Test;

class ReadinessTest {
  private static final long SECOND = 1_000_000_000L;
  private static final Health GOOD = Health.healthy("fine");

  private record Check(String name, Supplier<Health> health) implements HealthCheck {
    @Override
    public Health check() {
      return health.get();
    }
  }

  private static Readiness of(Health chain, boolean booted, Part... broken) {
    return Readiness.of(
        Set.of("chain", "execution"),
        List.of(new Check("execution", () -> GOOD), new Check("chain", () -> chain)),
        name -> Health.unavailable("missing"),
        List.of(broken),
        booted);
  }

  @Test
  void theRequiredPartsDecide() {
    assertThat(of(GOOD, false).verdict()).isEqualTo(Verdict.READY);
    assertThat(of(Health.failed("refused"), false).verdict()).isEqualTo(Verdict.FAILED);
    assertThat(of(Health.unavailable("no store"), true).verdict()).isEqualTo(Verdict.WAIT);
    assertThat(of(Health.starting("opening"), true).verdict()).isEqualTo(Verdict.WAIT);
    assertThat(of(Health.starting("opening"), true).isStarting()).isTrue();
    Readiness refused = of(Health.failed("refused"), true);
    assertThat(refused.blocking()).containsExactly(new Part("chain", Health.failed("refused")));
  }

  @Test
  void aDegradedPartMayBecomeHealthyUntilTheBootEnds() {
    Health degraded = Health.degraded("no namespace eth");
    assertThat(of(degraded, false).verdict()).isEqualTo(Verdict.WAIT);
    assertThat(of(degraded, true).verdict()).isEqualTo(Verdict.READY);
    assertThat(of(degraded, true).warnings()).containsExactly(new Part("chain", degraded));
  }

  @Test
  void theNodeRunsWithoutOptionalParts() {
    Part listener = new Part("rpc.listener~mine", Health.failed("the port is taken"));
    Readiness readiness = of(GOOD, true, listener);
    assertThat(readiness.verdict()).isEqualTo(Verdict.READY);
    assertThat(readiness.warnings()).containsExactly(listener);
    assertThat(readiness.hasFailures()).isTrue();
  }

  @Test
  void aRequiredPartWithoutACheckIsExplained() {
    Readiness readiness =
        Readiness.of(
            Set.of("chain"),
            List.of(),
            name -> Health.failed(name + " has a wrong genesis"),
            List.of(new Part("chain", Health.failed("named twice"))),
            false);
    assertThat(readiness.verdict()).isEqualTo(Verdict.FAILED);
    assertThat(readiness.all())
        .containsExactly(new Part("chain", Health.failed("chain has a wrong genesis")));
  }

  @Test
  void aCheckThatThrowsCountsAsFailed() {
    Check throwing =
        new Check(
            "mine",
            () -> {
              throw new IllegalStateException("a bug");
            });
    Readiness readiness = Readiness.of(Set.of(), List.of(throwing), name -> GOOD, List.of(), true);
    assertThat(readiness.warnings()).hasSize(1);
    assertThat(readiness.warnings().get(0).health().status()).isEqualTo(Health.Status.FAILED);
    assertThat(readiness.warnings().get(0).health().message()).contains("a bug");
  }

  @Test
  void ofSeveralChecksWithOneNameThePreferredOneCountsAndAllAreShown() {
    Health other = Health.failed("shadowed");
    Readiness readiness =
        Readiness.of(
            Set.of("chain"),
            List.of(new Check("chain", () -> GOOD), new Check("chain", () -> other)),
            name -> GOOD,
            List.of(),
            true);
    assertThat(readiness.verdict()).isEqualTo(Verdict.READY);
    assertThat(readiness.warnings()).containsExactly(new Part("chain", other));
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

  @Test
  void theReasonIsTheMessageOfTheComponentsException() {
    String trace =
        """
        java.lang.reflect.InvocationTargetException
        \tat java.base/jdk.internal.reflect.Constructor.newInstance(Constructor.java:500)
        Caused by: java.io.IOException: cannot listen on 127.0.0.1:1 (Address already in use)
        \tat dev.patchbay.rpc.server.Listener.<init>(Listener.java:250)
        \t... 42 more
        Caused by: java.net.BindException: Address already in use
        """;
    assertThat(Components.reason(trace))
        .isEqualTo("cannot listen on 127.0.0.1:1 (Address already in use)");
    assertThat(
            Components.reason("java.lang.IllegalArgumentException: key genesis is missing\n\tat x"))
        .isEqualTo("key genesis is missing");
    assertThat(Components.reason("java.lang.NullPointerException\n\tat x"))
        .isEqualTo("java.lang.NullPointerException");
  }
}
