// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.shell;

import static org.assertj.core.api.Assertions.assertThat;

import dev.patchbay.api.node.Health;
import dev.patchbay.api.node.HealthReport;
import dev.patchbay.api.node.PartHealth;
import java.util.Arrays;
import java.util.Map;
import org.junit.jupiter.api.Test;

class StatusCommandTest {
  private static HealthReport report(PartHealth... parts) {
    return new HealthReport(Arrays.asList(parts), Map.of());
  }

  private static PartHealth check(String name, Health health) {
    return new PartHealth(PartHealth.Kind.CHECK, name, health);
  }

  @Test
  void peersAreOffWithoutANetwork() {
    assertThat(StatusCommand.withoutNetwork(report())).isEqualTo("off");
    PartHealth other = check("rpc.listener~http", Health.failed("the port is in use"));
    assertThat(StatusCommand.withoutNetwork(report(other))).isEqualTo("off");
  }

  @Test
  void aNetworkThatFailedIsNotOff() {
    PartHealth failed = check("p2p.devp2p", Health.failed("devp2p does not start: a reason"));
    assertThat(StatusCommand.withoutNetwork(report(failed)))
        .isEqualTo("failed: devp2p does not start: a reason");
  }
}
