// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.chain;

import static org.assertj.core.api.Assertions.assertThat;

import dev.patchbay.chain.RewoundStates.Rewound;
import dev.patchbay.primitives.Hash;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.Test;

class RewoundStatesTest {
  private static final int VALUE_BYTES = 1_000;
  private static final RecentRoots.Entry HEAD =
      new RecentRoots.Entry(9, hash(9), hash(8), hash(99));

  private final AtomicLong nanos = new AtomicLong();
  private final RewoundStates states = new RewoundStates(3 * VALUE_BYTES, nanos::get);

  private static Hash hash(int number) {
    return Hash.keccak(new byte[] {(byte) number});
  }

  private static Rewound state(int values) {
    WriteSet writes = new WriteSet();
    for (int i = 0; i < values; i++) {
      writes.put(Columns.ACCOUNTS, new byte[] {(byte) i}, new byte[VALUE_BYTES]);
    }
    return new Rewound(HEAD, 1, writes);
  }

  @Test
  void aStateThatDoesNotFitIsNotComputedAgainUntilItsPlaceExpires() {
    assertThat(states.reserve(hash(1))).isTrue();
    assertThat(states.put(hash(1), state(1))).isTrue();
    assertThat(states.reserve(hash(2))).isTrue();
    assertThat(states.put(hash(2), state(2))).as("two and one with their keys").isFalse();
    assertThat(states.find(hash(1))).isNotNull();
    nanos.set(RewoundStates.EXPIRY_NANOS - 1);
    assertThat(states.find(hash(2))).isNull();
    assertThat(states.find(hash(1))).isNotNull();
    assertThat(states.reserve(hash(2))).isFalse();
    nanos.set(RewoundStates.EXPIRY_NANOS);
    assertThat(states.reserve(hash(2))).as("although it was asked for").isTrue();
    assertThat(states.find(hash(1))).as("it was read").isNotNull();
  }

  @Test
  void aLaterStateReplacesTheEarlierOneOfItsBlock() {
    for (int i = 0; i < 5; i++) {
      assertThat(states.reserve(hash(1))).isTrue();
      assertThat(states.put(hash(1), state(2))).isTrue();
    }
  }
}
