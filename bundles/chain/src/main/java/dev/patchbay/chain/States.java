// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.chain;

import dev.patchbay.api.state.IterableStateReader;
import dev.patchbay.api.state.StateReader;
import dev.patchbay.api.storage.Column;
import dev.patchbay.api.storage.KeyReader;
import dev.patchbay.api.storage.StorageException;
import dev.patchbay.primitives.Account;
import dev.patchbay.primitives.Address;
import dev.patchbay.primitives.Bytes;
import dev.patchbay.primitives.Hash;
import dev.patchbay.primitives.UInt256;
import java.util.Arrays;
import java.util.function.BiPredicate;
import org.jspecify.annotations.Nullable;

/** Readers of states. */
final class States {
  private States() {}

  private static Bytes code(KeyReader reader, Hash codeHash) {
    if (codeHash.equals(Account.EMPTY_CODE)) {
      return Bytes.EMPTY;
    }
    byte[] code = reader.get(Columns.CODE, codeHash.unsafeArray());
    if (code == null) {
      throw new StorageException("code " + codeHash + " is missing: the store is damaged");
    }
    return Bytes.wrap(code);
  }

  /** The state that an overlay holds. */
  record Latest(KeyReader reader) implements StateReader {
    @Override
    public @Nullable Account account(Address address) {
      return FlatState.account(reader, address.keccak());
    }

    @Override
    public UInt256 storage(Address address, UInt256 key) {
      return FlatState.slot(reader, Keys.slot(address.keccak(), Hash.keccak(key.toArray())));
    }

    @Override
    public Bytes code(Hash codeHash) {
      return States.code(reader, codeHash);
    }

    @Override
    public void close() {}
  }

  /**
   * The state after a canonical block, while later blocks may come: the present value is read
   * first, then whether a later block has replaced it. In that order a commit in between does no
   * harm. A reorg does, or pruning of the history, and is noticed.
   *
   * @param reader the store
   * @param cache what was read of states before
   * @param block hash of the block
   * @param number number of the block
   * @param check fails when what was read before is not to be trusted
   * @param release gives the lease back
   */
  record Historic(
      KeyReader reader, StateCache cache, Hash block, long number, Runnable check, Runnable release)
      implements IterableStateReader {
    @Override
    public @Nullable Account account(Address address) {
      check.run(); // whether a value is still in memory must make no difference
      return cache.account(block, address, () -> readAccount(address));
    }

    private @Nullable Account readAccount(Address address) {
      byte[] key = address.keccak().unsafeArray();
      byte[] slim = value(Columns.ACCOUNTS, Columns.ACCOUNT_HISTORY, key);
      return slim == null ? null : Account.decodeSlim(slim);
    }

    @Override
    public UInt256 storage(Address address, UInt256 key) {
      check.run();
      return cache.slot(block, address, key, () -> readSlot(address, key));
    }

    private UInt256 readSlot(Address address, UInt256 key) {
      byte[] slot = Keys.slot(address.keccak(), Hash.keccak(key.toArray()));
      byte[] value = value(Columns.SLOTS, Columns.SLOT_HISTORY, slot);
      return value == null ? UInt256.ZERO : UInt256.ofBytes(value);
    }

    @Override
    public void accounts(Hash from, BiPredicate<Hash, Account> visitor) {
      visit(
          Columns.ACCOUNTS,
          Columns.ACCOUNT_HISTORY,
          new byte[0],
          from.toArray(),
          (hash, slim) -> visitor.test(hash, Account.decodeSlim(slim)));
    }

    @Override
    public void slots(Hash account, Hash from, BiPredicate<Hash, UInt256> visitor) {
      visit(
          Columns.SLOTS,
          Columns.SLOT_HISTORY,
          account.toArray(),
          from.toArray(),
          (hash, value) -> visitor.test(hash, UInt256.ofBytes(value)));
    }

    /**
     * Visits what there was under the keys with a prefix, of those there are and those there were.
     */
    private void visit(
        Column present,
        Column history,
        byte[] prefix,
        byte[] from,
        BiPredicate<Hash, byte[]> visitor) {
      byte @Nullable [] key = Keys.pair(prefix, from);
      while (key != null) {
        byte[] now = firstKey(present, prefix, key);
        byte[] then = firstKey(history, prefix, key);
        byte[] next =
            now == null || (then != null && Arrays.compareUnsigned(then, now) < 0) ? then : now;
        if (next == null) {
          check.run();
          return;
        }
        byte[] value = value(present, history, next);
        Hash hash = Hash.wrap(Arrays.copyOfRange(next, prefix.length, next.length));
        if (value != null && !visitor.test(hash, value)) {
          return;
        }
        key = successor(next, prefix.length);
      }
    }

    /**
     * Returns the first key of 32 bytes beyond a prefix, of a column that may add a number to it.
     */
    private byte @Nullable [] firstKey(Column column, byte[] prefix, byte[] from) {
      byte[][] found = new byte[1][];
      reader.scan(
          column,
          from,
          Keys.end(prefix),
          (at, value) -> {
            found[0] = Arrays.copyOf(at, prefix.length + 32);
            return false;
          });
      return found[0];
    }

    /** Returns the next key with the same prefix, or null after the last. */
    private static byte @Nullable [] successor(byte[] key, int prefix) {
      byte[] next = key.clone();
      for (int i = next.length - 1; i >= prefix; i--) {
        if (++next[i] != 0) {
          return next;
        }
      }
      return null;
    }

    private byte @Nullable [] value(Column present, Column history, byte[] key) {
      byte[][] found = {reader.get(present, key)};
      reader.scan(
          history,
          Keys.history(key, number + 1),
          Keys.end(key), // the next keys may be many that were pruned
          (at, old) -> {
            found[0] = old.length == 0 ? null : old;
            return false;
          });
      check.run();
      return found[0];
    }

    @Override
    public Bytes code(Hash codeHash) {
      return States.code(reader, codeHash);
    }

    @Override
    public void close() {
      release.run();
    }
  }
}
