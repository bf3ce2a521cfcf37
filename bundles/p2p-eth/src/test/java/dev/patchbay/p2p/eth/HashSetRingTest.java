// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.p2p.eth;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.patchbay.primitives.Hash;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.Random;
import org.junit.jupiter.api.Test;

class HashSetRingTest {
  private static final SipHash KEYED = new SipHash(1, 2);

  @Test
  void behavesAsAQueueWithoutDuplicates() {
    Random random = new Random(3);
    HashSetRing set = new HashSetRing(KEYED, 256);
    Deque<Hash> model = new ArrayDeque<>();
    for (int i = 0; i < 20_000; i++) {
      Hash hash = EthFixture.hash(random.nextInt(700));
      boolean isNew = !model.contains(hash);
      assertThat(set.add(hash)).isEqualTo(isNew);
      if (isNew) {
        model.add(hash);
        if (model.size() > 256) {
          model.poll();
        }
      }
      Hash probe = EthFixture.hash(random.nextInt(700));
      assertThat(set.contains(probe)).isEqualTo(model.contains(probe));
      assertThat(set.size()).isEqualTo(model.size());
    }
    assertThat(model).allMatch(set::contains);
  }

  @Test
  void isEmptyAfterItWasCleared() {
    HashSetRing set = new HashSetRing(KEYED, 128);
    for (int i = 0; i < 200; i++) {
      set.add(EthFixture.hash(i));
    }
    set.clear();
    assertThat(set.size()).isZero();
    assertThat(set.contains(EthFixture.hash(199))).isFalse();
    assertThat(set.add(EthFixture.hash(199))).isTrue();
  }

  @Test
  void growsWithinTheBudgetOfAllSets() {
    EntryBudget budget = new EntryBudget(64 + 128);
    HashSetRing first = new HashSetRing(KEYED, 256, budget);
    HashSetRing second = new HashSetRing(KEYED, 256, budget);
    for (int i = 0; i < 1_000; i++) {
      first.add(EthFixture.hash(i));
    }
    assertThat(first.size()).isEqualTo(256);
    assertThat(budget.free()).isZero();
    for (int i = 0; i < 1_000; i++) {
      second.add(EthFixture.hash(i));
    }
    assertThat(second.size()).isEqualTo(64);
    assertThat(second.contains(EthFixture.hash(936))).isTrue();
    assertThat(second.contains(EthFixture.hash(935))).isFalse();

    first.clear();
    for (int i = 1_000; i < 2_000; i++) {
      second.add(EthFixture.hash(i));
    }
    assertThat(second.size()).isEqualTo(256);
    for (int i = 0; i < 256; i++) {
      assertThat(second.contains(EthFixture.hash(1_999 - i))).isTrue();
    }
    assertThat(second.contains(EthFixture.hash(1_999 - 256))).isFalse();
    second.close();
    for (int i = 0; i < 1_000; i++) {
      second.add(EthFixture.hash(i));
    }
    assertThat(budget.free()).isEqualTo(64 + 128);
  }

  @Test
  void capacitiesArePowersOfTwo() {
    assertThatThrownBy(() -> new HashSetRing(KEYED, 100))
        .isInstanceOf(IllegalArgumentException.class);
    assertThatThrownBy(() -> new HashSetRing(KEYED, 32))
        .isInstanceOf(IllegalArgumentException.class);
  }
}
