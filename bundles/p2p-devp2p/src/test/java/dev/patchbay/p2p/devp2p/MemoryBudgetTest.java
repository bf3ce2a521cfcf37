// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.p2p.devp2p;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

/** The memory of all sessions together. */
class MemoryBudgetTest {
  private final List<String> evicted = new ArrayList<>();
  private final MemoryBudget budget = new MemoryBudget(100);

  private MemoryBudget.Holder holder(String name) {
    return () -> evicted.add(name);
  }

  @Test
  void theLargestHolderIsEvictedAndTheOthersStay() {
    MemoryBudget.Holder small = holder("small");
    MemoryBudget.Holder large = holder("large");
    budget.update(large, 60);
    budget.update(small, 30);
    budget.update(small, 40);
    assertThat(evicted).isEmpty();
    assertThat(budget.totalBytes()).isEqualTo(100);
    budget.update(small, 41);
    assertThat(evicted).containsExactly("large");
    assertThat(budget.totalBytes()).isEqualTo(41);
    budget.update(large, 0);
    budget.update(small, 0);
    assertThat(budget.totalBytes()).isZero();
  }

  @Test
  void aSingleHolderIsEvictedToo() {
    budget.update(holder("one"), 101);
    assertThat(evicted).containsExactly("one");
    assertThat(budget.totalBytes()).isZero();
  }
}
