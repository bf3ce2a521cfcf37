// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.chain;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.patchbay.api.storage.StorageException;
import dev.patchbay.primitives.Account;
import dev.patchbay.primitives.Address;
import dev.patchbay.primitives.Hash;
import dev.patchbay.primitives.UInt256;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.Test;

class StateCacheTest {
  private static final Hash BLOCK = Hash.keccak(new byte[] {1});
  private static final Hash OTHER = Hash.keccak(new byte[] {2});
  private static final Address ADDRESS = Address.ZERO;

  private final StateCache cache = new StateCache(1 << 16);

  private static <T> T unread() {
    throw new AssertionError("was read again");
  }

  @Test
  void anAccountIsReadOnceAfterEachBlock() {
    assertThat(cache.account(BLOCK, ADDRESS, () -> Account.EMPTY)).isEqualTo(Account.EMPTY);
    assertThat(cache.account(BLOCK, ADDRESS, StateCacheTest::unread)).isEqualTo(Account.EMPTY);
    assertThat(cache.account(OTHER, ADDRESS, () -> null)).isNull();
    assertThat(cache.account(OTHER, ADDRESS, StateCacheTest::unread)).isNull();
  }

  @Test
  void aSlotIsReadOnceAfterEachBlock() {
    assertThat(cache.slot(BLOCK, ADDRESS, UInt256.ONE, () -> UInt256.ONE)).isEqualTo(UInt256.ONE);
    assertThat(cache.slot(BLOCK, ADDRESS, UInt256.ONE, StateCacheTest::unread))
        .isEqualTo(UInt256.ONE);
    assertThat(cache.slot(BLOCK, ADDRESS, UInt256.ZERO, () -> UInt256.ZERO))
        .isEqualTo(UInt256.ZERO);
    assertThat(cache.slot(OTHER, ADDRESS, UInt256.ONE, () -> UInt256.ZERO)).isEqualTo(UInt256.ZERO);
  }

  @Test
  void aReadThatFailsIsNotKept() {
    assertThatThrownBy(
            () ->
                cache.account(
                    BLOCK,
                    ADDRESS,
                    () -> {
                      throw new StorageException("the chain was reorganised");
                    }))
        .isInstanceOf(StorageException.class);
    assertThat(cache.account(BLOCK, ADDRESS, () -> Account.EMPTY)).isEqualTo(Account.EMPTY);
  }

  @Test
  void aClearedCacheKnowsNothing() {
    cache.slot(BLOCK, ADDRESS, UInt256.ONE, () -> UInt256.ONE);
    cache.account(BLOCK, ADDRESS, () -> Account.EMPTY);
    cache.clear();
    assertThat(cache.slot(BLOCK, ADDRESS, UInt256.ONE, () -> UInt256.ZERO)).isEqualTo(UInt256.ZERO);
    assertThat(cache.account(BLOCK, ADDRESS, () -> null)).isNull();
  }

  @Test
  void theNumberOfEntriesIsBounded() {
    StateCache small = new StateCache(4_000);
    for (int i = 0; i < 1_000; i++) {
      small.slot(BLOCK, ADDRESS, UInt256.of(i), () -> UInt256.ONE);
    }
    int[] reads = {0};
    for (int i = 0; i < 1_000; i++) {
      small.slot(
          BLOCK,
          ADDRESS,
          UInt256.of(i),
          () -> {
            reads[0]++;
            return UInt256.ONE;
          });
    }
    assertThat(reads[0]).isGreaterThan(950);
  }

  @Test
  void entriesOfABlockThatIsNotReadAnyMoreAreRemoved() {
    AtomicLong nanos = new AtomicLong();
    StateCache aging = new StateCache(1 << 16, nanos::get);
    for (int i = 0; i < 20; i++) {
      aging.slot(BLOCK, ADDRESS, UInt256.of(i), () -> UInt256.ONE);
    }
    aging.account(BLOCK, ADDRESS, () -> Account.EMPTY);
    nanos.addAndGet(TimeUnit.SECONDS.toNanos(StateCache.IDLE_SECONDS - 1));
    aging.slot(OTHER, ADDRESS, UInt256.ONE, () -> UInt256.ONE);
    assertThat(aging.size()).isEqualTo(22);
    nanos.addAndGet(TimeUnit.SECONDS.toNanos(2));
    assertThat(aging.size()).isEqualTo(1);
  }
}
