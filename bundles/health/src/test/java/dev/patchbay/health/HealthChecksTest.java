// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.health;

import static org.assertj.core.api.Assertions.assertThat;

import dev.patchbay.api.node.Health;
import dev.patchbay.api.node.HealthCheck;
import dev.patchbay.health.Snapshot.CheckState;
import java.util.Set;
import java.util.function.Supplier;
import org.junit.jupiter.api.Test;

class HealthChecksTest {
  private record Check(String name, Supplier<Health> health) implements HealthCheck {
    @Override
    public Health check() {
      return health.get();
    }
  }

  @Test
  void aCheckThatThrowsCountsAsFailed() {
    Check throwing =
        new Check(
            "mine",
            () -> {
              throw new IllegalStateException("a bug");
            });
    CheckState state = HealthChecks.ask(throwing);
    assertThat(state.name()).isEqualTo("mine");
    assertThat(state.health().status()).isEqualTo(Health.Status.FAILED);
    assertThat(state.health().message()).contains("a bug");
  }

  @Test
  void aCheckThatReturnsNullCountsAsFailed() {
    assertThat(HealthChecks.ask(new Check("mine", () -> null)).health().status())
        .isEqualTo(Health.Status.FAILED);
  }

  @Test
  void aRepeatedWorkIsDegradedWhileItFails() {
    String[] failure = {null};
    HealthCheck check =
        HealthCheck.ofFailures("index", "blocks are indexed", () -> failure[0], "c");
    assertThat(HealthChecks.ask(check))
        .isEqualTo(new CheckState("index", Health.healthy("blocks are indexed"), Set.of("c")));
    failure[0] = "the disk is full";
    assertThat(HealthChecks.ask(check).health().status()).isEqualTo(Health.Status.DEGRADED);
  }
}
