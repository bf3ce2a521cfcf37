// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.rpc.server;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.patchbay.api.rpc.RpcError;
import java.nio.charset.StandardCharsets;
import org.junit.jupiter.api.Test;

/** What is counted, and what is refused. */
class MemoryBudgetTest {
  private static final long FREE = MemoryBudget.FREE_BYTES;

  private final MemoryBudget budget = new MemoryBudget(1_000);

  @Test
  void theFirstBytesOfAnAccountAreNotCounted() {
    for (int i = 0; i < 100; i++) {
      assertThat(budget.open().tryGrow(FREE)).isTrue();
    }
    assertThat(budget.used()).isZero();
  }

  @Test
  void whatExceedsTheLimitIsRefusedAndNotCounted() throws Exception {
    MemoryBudget.Account first = budget.open();
    MemoryBudget.Account second = budget.open();
    first.grow(FREE + 600);
    assertThat(second.tryGrow(FREE + 401)).isFalse();
    assertThat(budget.used()).isEqualTo(600);
    assertThatThrownBy(() -> second.grow(FREE + 401))
        .isInstanceOfSatisfying(
            RpcError.class, error -> assertThat(error.code()).isEqualTo(-32005));
    second.grow(FREE + 400);
    assertThat(second.tryGrow(1)).isFalse();
    first.shrink(100);
    assertThat(second.tryGrow(100)).isTrue();
    first.shrinkTo(FREE + 10);
    assertThat(budget.used()).isEqualTo(510);
    first.shrinkTo(Long.MAX_VALUE);
    assertThat(budget.used()).isEqualTo(510);
    first.close();
    first.close();
    assertThat(budget.used()).isEqualTo(500);
    second.shrink(Long.MAX_VALUE);
    assertThat(budget.used()).isZero();
  }

  @Test
  void whatIsReservedIsNotRefusedLater() throws Exception {
    MemoryBudget.Account first = budget.open();
    MemoryBudget.Reservation reserved = first.reserve(FREE + 100);
    MemoryBudget.Account others = budget.open();
    others.grow(FREE + 900);
    assertThat(first.tryGrow(FREE + 101)).isFalse();
    assertThat(first.tryGrow(FREE + 60)).isTrue();
    assertThat(first.tryGrow(41)).isFalse();
    assertThat(budget.used()).isEqualTo(1_000);
    reserved.close();
    assertThat(budget.used()).isEqualTo(960);
    reserved.close();
    assertThat(budget.used()).isEqualTo(960);
    assertThatThrownBy(() -> first.reserve(41)).isInstanceOf(RpcError.class);
    assertThat(first.tryGrow(40)).isTrue();
    first.close();
    first.reserve(1_001).close();
    others.close();
    assertThat(budget.used()).isZero();
  }

  @Test
  void parsedJsonTakesMoreThanItsText() {
    assertThat(parsed("[" + "{\"a\":{}},".repeat(1_000) + "1]")).isGreaterThan(500 * 1_000);
    assertThat(parsed("[" + "[],".repeat(1_000) + "1]")).isGreaterThan(100 * 1_000);
    String digits = "0".repeat(1_000_000);
    assertThat(parsed("[\"" + digits + "\"]")).isBetween(2_000_000L, 2_001_000L);
  }

  private static long parsed(String json) {
    return MemoryBudget.ofParsed(json.getBytes(StandardCharsets.UTF_8));
  }
}
