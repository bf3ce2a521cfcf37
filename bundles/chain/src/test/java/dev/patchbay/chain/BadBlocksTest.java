// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.chain;

import static org.assertj.core.api.Assertions.assertThat;

import dev.patchbay.chain.BadBlocks.Rejection;
import dev.patchbay.primitives.Hash;
import org.junit.jupiter.api.Test;

class BadBlocksTest {
  private final BadBlocks bad = new BadBlocks();
  private final Rejection rejection = new Rejection(Hash.ZERO, "wrong");

  private static Hash hash(int number) {
    return Hash.fromHex(String.format("0x%064x", number));
  }

  @Test
  void theLatestAreKnown() {
    for (int i = 0; i < 10_000; i++) {
      bad.add(hash(i), new Rejection(Hash.ZERO, "wrong"));
    }
    int known = 0;
    for (int i = 0; i < 10_000; i++) {
      known += bad.find(hash(i)) == null ? 0 : 1;
    }
    assertThat(known).isEqualTo(512);
    assertThat(bad.find(hash(9_999))).isEqualTo(rejection);
    assertThat(bad.find(hash(9_999 - 512))).isNull();
  }

  @Test
  void oneThatIsAskedForOftenIsTriedAgain() {
    bad.add(hash(1), rejection);
    for (int i = 1; i < 128; i++) {
      assertThat(bad.find(hash(1))).isEqualTo(rejection);
    }
    assertThat(bad.find(hash(1))).isNull();
    bad.add(hash(1), rejection);
    assertThat(bad.find(hash(1))).isEqualTo(rejection);
  }

  /** A consensus client asks for the head; what was rejected is far below it. */
  @Test
  void theInvalidAncestorOfOneThatIsAskedForOftenIsTriedAgain() {
    bad.add(hash(1), rejection);
    bad.add(hash(2), rejection);
    bad.add(hash(9), new Rejection(Hash.ZERO, "wrong"));
    for (int i = 1; i < 128; i++) {
      assertThat(bad.find(hash(2))).isEqualTo(rejection);
    }
    assertThat(bad.find(hash(2))).isNull();
    assertThat(bad.peek(hash(1))).isNull();
    assertThat(bad.peek(hash(9))).as("of another reason").isNotNull();
  }

  @Test
  void rejectionsAreCleared() {
    bad.add(hash(1), rejection);
    bad.clearRejections();
    assertThat(bad.find(hash(1))).isNull();
  }
}
