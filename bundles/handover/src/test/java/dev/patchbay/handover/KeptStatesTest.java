// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.handover;

import static org.assertj.core.api.Assertions.assertThat;

import dev.patchbay.binding.Loop;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** How long states are kept. */
class KeptStatesTest {
  private final AtomicLong now =
      new AtomicLong(Long.MAX_VALUE - Duration.ofSeconds(5).toNanos()); // it overflows
  private final KeptStates states = new KeptStates(now::get);

  @AfterEach
  void close() {
    states.close();
  }

  @Test
  void aStateIsTakenOnce() {
    states.put("a", List.of(1));
    states.put("b", List.of(2));
    states.put("a", List.of(3));
    assertThat(states.take("a")).isEqualTo(List.of(3));
    assertThat(states.take("a")).isNull();
    assertThat(states.take("b")).isEqualTo(List.of(2));
    assertThat(states.take("c")).isNull();
  }

  @Test
  void aStateThatNobodyTakesIsDropped() {
    states.put("early", 1);
    now.addAndGet(Duration.ofSeconds(20).toNanos());
    states.put("late", 2);
    assertThat(states.expire()).isEqualTo(10_001);
    now.addAndGet(Duration.ofSeconds(10).toNanos());
    assertThat(states.take("early")).as("before it is dropped").isNull();
    states.put("early", 1);
    now.addAndGet(Duration.ofSeconds(20).toNanos());
    assertThat(states.expire()).isEqualTo(10_001);
    assertThat(states.count()).isEqualTo(1);
    now.addAndGet(Duration.ofSeconds(10).toNanos());
    assertThat(states.expire()).isEqualTo(Loop.UNTIL_WOKEN);
    assertThat(states.count()).isZero();
  }
}
