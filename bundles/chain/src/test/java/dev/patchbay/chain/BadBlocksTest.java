// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.chain;

import static org.assertj.core.api.Assertions.assertThat;

import dev.patchbay.chain.BadBlocks.Verdict;
import dev.patchbay.primitives.Hash;
import org.junit.jupiter.api.Test;

class BadBlocksTest {
  private final BadBlocks bad = new BadBlocks();
  private final Verdict verdict = new Verdict(Hash.ZERO, "wrong");

  private static Hash hash(int number) {
    return Hash.fromHex(String.format("0x%064x", number));
  }

  @Test
  void theLatestAreKnown() {
    for (int i = 0; i < 10_000; i++) {
      bad.add(hash(i), verdict);
    }
    int known = 0;
    for (int i = 0; i < 10_000; i++) {
      known += bad.find(hash(i)) == null ? 0 : 1;
    }
    assertThat(known).isEqualTo(512);
    assertThat(bad.find(hash(9_999))).isEqualTo(verdict);
    assertThat(bad.find(hash(9_999 - 512))).isNull();
  }

  @Test
  void oneThatIsAskedForOftenIsTriedAgain() {
    bad.add(hash(1), verdict);
    for (int i = 1; i < 128; i++) {
      assertThat(bad.find(hash(1))).isEqualTo(verdict);
    }
    assertThat(bad.find(hash(1))).isNull();
    bad.add(hash(1), verdict);
    assertThat(bad.find(hash(1))).isEqualTo(verdict);
  }

  @Test
  void allAreForgiven() {
    bad.add(hash(1), verdict);
    bad.forgive();
    assertThat(bad.find(hash(1))).isNull();
  }
}
