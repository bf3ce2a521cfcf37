// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.binding;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.time.Instant;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

class BlockClockTest {
  private final InstantSource clock = () -> Instant.ofEpochSecond(1_000);
  private final List<String> warnings = new ArrayList<>();

  private InstantSource shifted(String property) {
    return BlockClock.shifted(clock, property, warnings::add);
  }

  @Test
  void isTheClockOfTheSystemWithoutTheProperty() {
    assertThat(shifted(null)).isSameAs(clock);
    assertThat(shifted(" ")).isSameAs(clock);
    assertThat(warnings).isEmpty();
  }

  @Test
  void isAheadOrBehindBySoManySeconds() {
    assertThat(shifted("2").millis()).isEqualTo(1_002_000);
    assertThat(shifted("-3").millis()).isEqualTo(997_000);
    assertThat(warnings)
        .hasSize(2)
        .contains("the clock of blocks is 2 s ahead: " + BlockClock.AHEAD + ", for tests, is set");
  }

  @Test
  void aPropertyThatIsNoIntegerIsRefused() {
    assertThatThrownBy(() -> shifted("2s"))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage(BlockClock.AHEAD + " is '2s', not an integer");
  }
}
