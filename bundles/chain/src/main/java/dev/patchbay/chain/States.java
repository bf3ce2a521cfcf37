// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.chain;

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
import org.jspecify.annotations.Nullable;

/** Readers of states. */
final class States {
  private States() {}

  private static Bytes code(KeyReader reader, Hash codeHash) {
    if (codeHash.equals(Account.EMPTY_CODE)) {
      return Bytes.EMPTY;
    }
    byte[] code = reader.get(Column.CODE, codeHash.unsafeArray());
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
   * harm. A reorganisation does, or when the history is forgotten, and is noticed.
   *
   * @param reader the store
   * @param number number of the block
   * @param check fails when what was read before is not to be trusted
   * @param release gives the lease back
   */
  record Historic(KeyReader reader, long number, Runnable check, Runnable release)
      implements StateReader {
    @Override
    public @Nullable Account account(Address address) {
      byte[] key = address.keccak().unsafeArray();
      byte[] slim = value(Column.ACCOUNTS, Column.ACCOUNT_HISTORY, key);
      return slim == null ? null : Account.decodeSlim(slim);
    }

    @Override
    public UInt256 storage(Address address, UInt256 key) {
      byte[] slot = Keys.slot(address.keccak(), Hash.keccak(key.toArray()));
      byte[] value = value(Column.SLOTS, Column.SLOT_HISTORY, slot);
      return value == null ? UInt256.ZERO : UInt256.ofBytes(value);
    }

    private byte @Nullable [] value(Column present, Column history, byte[] key) {
      byte[][] found = {reader.get(present, key)};
      reader.scan(
          history,
          Keys.history(key, number + 1),
          (at, old) -> {
            if (at.length == key.length + 8
                && Arrays.equals(at, 0, key.length, key, 0, key.length)) {
              found[0] = old.length == 0 ? null : old;
            }
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
