// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.p2p.devp2p;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;

/** The memory of all sessions together. */
class MemoryBudgetTest {
  private long nanos;
  private final MemoryBudget budget = new MemoryBudget(100, () -> nanos);
  private final TestHolder inbound = new TestHolder("inbound", true, false);
  private final TestHolder dialed = new TestHolder("dialed", false, false);
  private final TestHolder named = new TestHolder("named", true, true);

  /** Records that it has been evicted. */
  static final class TestHolder implements MemoryBudget.Holder {
    private final String name;
    private final boolean inbound;
    private final boolean isNamed;
    private int evictions;

    TestHolder(String name, boolean inbound, boolean isNamed) {
      this.name = name;
      this.inbound = inbound;
      this.isNamed = isNamed;
    }

    @Override
    public void evict() {
      evictions++;
    }

    @Override
    public boolean inbound() {
      return inbound;
    }

    @Override
    public boolean isNamed() {
      return isNamed;
    }

    @Override
    public String toString() {
      return name;
    }
  }

  private void assertEvicted(TestHolder... expected) {
    List<TestHolder> evicted = new ArrayList<>();
    for (TestHolder holder : List.of(inbound, dialed, named)) {
      for (int i = 0; i < holder.evictions; i++) {
        evicted.add(holder);
      }
    }
    assertThat(evicted).containsExactly(expected);
  }

  private void advanceSeconds(int seconds) {
    nanos += TimeUnit.SECONDS.toNanos(seconds);
  }

  @Test
  void theLargestHolderIsEvictedAndTheOthersStay() {
    TestHolder small = new TestHolder("small", true, false);
    budget.update(inbound, 60);
    budget.update(small, 30);
    budget.update(small, 40);
    assertEvicted();
    assertThat(budget.totalBytes()).isEqualTo(100);
    budget.update(small, 41);
    assertEvicted(inbound);
    assertThat(budget.totalBytes()).isEqualTo(41);
    budget.update(inbound, 0);
    budget.update(small, 0);
    assertThat(budget.totalBytes()).isZero();
  }

  @Test
  void aSingleHolderIsEvictedToo() {
    budget.update(named, 101);
    assertEvicted(named);
    assertThat(budget.totalBytes()).isZero();
  }

  /** A large reply that has just been sent is not the fault of the peer. */
  @Test
  void theHolderIsEvictedThatHasHeldItsBytesForLong() {
    TestHolder patient = new TestHolder("patient", false, false);
    budget.update(dialed, 40);
    advanceSeconds(10);
    budget.update(patient, 61);
    assertEvicted(dialed);
    budget.update(patient, 0);
  }

  @Test
  void theTimeBeginsAnewWhenNothingIsHeld() {
    TestHolder patient = new TestHolder("patient", false, false);
    budget.update(patient, 40);
    advanceSeconds(10);
    budget.update(patient, 0);
    budget.update(patient, 40);
    budget.update(dialed, 61);
    assertEvicted(dialed);
    assertThat(patient.evictions).isZero();
    budget.update(patient, 0);
  }

  @Test
  void anInboundPeerIsEvictedBeforeADialedOneOfSimilarSize() {
    budget.update(dialed, 60);
    budget.update(inbound, 41);
    assertEvicted(inbound);
  }

  @Test
  void aPeerThatTheOperatorHasNamedIsEvictedLast() {
    budget.update(named, 90);
    advanceSeconds(10);
    budget.update(inbound, 6);
    budget.update(dialed, 5);
    assertEvicted(inbound);
    budget.update(dialed, 11);
    assertEvicted(inbound, dialed);
    budget.update(named, 101);
    assertEvicted(inbound, dialed, named);
  }
}
