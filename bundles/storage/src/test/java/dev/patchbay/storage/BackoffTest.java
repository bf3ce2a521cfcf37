// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.storage;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;

class BackoffTest {
  private long now = Long.MAX_VALUE - 5; // a clock may overflow
  private final Backoff backoff = new Backoff(() -> now);

  private void pass(long millis) {
    now += TimeUnit.MILLISECONDS.toNanos(millis);
  }

  @Test
  void theFirstFailureIsFollowedAtOnce() {
    assertThat(backoff.millisLeft()).isZero();
    backoff.opened();
    pass(60_000);
    backoff.failed();
    assertThat(backoff.millisLeft()).isZero();
  }

  @Test
  void failuresInARowWaitLonger() {
    long[] waits = {
      100, 200, 400, 800, 1_600, 3_200, 6_400, 12_800, 25_600, 51_200, 60_000, 60_000
    };
    for (long wait : waits) {
      backoff.opened();
      pass(59_999);
      backoff.failed();
      assertThat(backoff.millisLeft()).isBetween(wait, wait + 1);
      pass(wait - 1);
      assertThat(backoff.millisLeft()).isPositive();
      pass(1);
      assertThat(backoff.millisLeft()).isZero();
    }
    backoff.opened();
    pass(60_000);
    backoff.failed();
    assertThat(backoff.millisLeft()).as("it had recovered").isZero();
  }
}
