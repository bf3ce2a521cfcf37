// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.chain;

import static org.assertj.core.api.Assertions.assertThat;

import dev.patchbay.api.state.IterableStateReader;
import dev.patchbay.api.storage.Column;
import dev.patchbay.api.storage.KeyReader;
import dev.patchbay.api.storage.KeyValueStore;
import dev.patchbay.api.storage.WriteBatch;
import dev.patchbay.primitives.Account;
import dev.patchbay.primitives.Address;
import dev.patchbay.primitives.Hash;
import dev.patchbay.primitives.UInt256;
import dev.patchbay.storage.memory.MemoryBackend;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.function.BiPredicate;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

/**
 * A read of an older state looks at the history of its key alone: behind it there may be many
 * deleted keys, which a store passes one by one.
 */
class StatesTest {
  private static final Address ACCOUNT = Address.fromHex("0x" + "11".repeat(20));
  private static final Hash HASH = ACCOUNT.keccak();

  private final KeyValueStore store =
      new MemoryBackend().open(Path.of("memory"), Columns.ALL, true);
  private final List<Column> scanned = new ArrayList<>();

  /** Fails a scan without an end, and one whose end is behind keys with other first bytes. */
  private final KeyReader bounded =
      new KeyReader() {
        @Override
        public byte @Nullable [] get(Column column, byte[] key) {
          return store.get(column, key);
        }

        @Override
        public void scan(Column column, byte[] from, BiPredicate<byte[], byte[]> visitor) {
          throw new AssertionError("a scan of " + column + " has no end");
        }

        @Override
        public void scan(
            Column column, byte[] from, byte[] until, BiPredicate<byte[], byte[]> visitor) {
          scanned.add(column);
          assertThat(Keys.startsWith(until, HASH.unsafeArray())).isTrue();
          store.scan(column, from, until, visitor);
        }
      };

  private IterableStateReader stateAfter(long number) {
    return new States.Historic(bounded, new StateCache(0), Hash.ZERO, number, () -> {}, () -> {});
  }

  private static byte[] slim(long nonce) {
    Account empty = Account.EMPTY;
    return new Account(nonce, empty.balance(), empty.storageRoot(), empty.codeHash()).encodeSlim();
  }

  private static byte[] slot(int number) {
    return Keys.slot(HASH, Hash.keccak(UInt256.of(number).toArray()));
  }

  @Test
  void aReadEndsWithTheHistoryOfItsKey() {
    byte[] three = slim(3);
    WriteBatch batch = new WriteBatch();
    batch.put(Columns.ACCOUNTS, HASH.toArray(), slim(9));
    batch.put(Columns.ACCOUNT_HISTORY, Keys.history(HASH.toArray(), 5), three);
    batch.put(Columns.SLOTS, slot(1), new byte[] {9});
    batch.put(Columns.SLOT_HISTORY, Keys.history(slot(1), 5), new byte[] {3});
    batch.put(Columns.SLOT_HISTORY, Keys.history(slot(2), 5), new byte[] {4});
    store.write(batch);

    assertThat(stateAfter(4).account(ACCOUNT).nonce()).isEqualTo(3);
    assertThat(stateAfter(5).account(ACCOUNT).nonce()).isEqualTo(9);
    assertThat(stateAfter(4).storage(ACCOUNT, UInt256.of(1))).isEqualTo(UInt256.of(3));
    assertThat(stateAfter(5).storage(ACCOUNT, UInt256.of(1))).isEqualTo(UInt256.of(9));
    assertThat(stateAfter(5).storage(ACCOUNT, UInt256.of(2))).isEqualTo(UInt256.ZERO);
    assertThat(scanned)
        .containsExactly(
            Columns.ACCOUNT_HISTORY,
            Columns.ACCOUNT_HISTORY,
            Columns.SLOT_HISTORY,
            Columns.SLOT_HISTORY,
            Columns.SLOT_HISTORY);

    List<UInt256> slots = new ArrayList<>();
    stateAfter(4).slots(HASH, Hash.ZERO, (hash, value) -> slots.add(value));
    assertThat(slots).containsExactlyInAnyOrder(UInt256.of(3), UInt256.of(4));
  }
}
