// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.chain;

import dev.patchbay.api.storage.KeyReader;
import dev.patchbay.chain.AccountUpdate.AccountFields;
import dev.patchbay.primitives.Account;
import dev.patchbay.primitives.Address;
import dev.patchbay.primitives.Bytes;
import dev.patchbay.primitives.Hash;
import dev.patchbay.primitives.UInt256;
import dev.patchbay.primitives.execution.StateChanges;
import dev.patchbay.trie.Trie;
import java.util.Arrays;
import java.util.HashMap;
import java.util.Map;
import java.util.TreeMap;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * The state in an overlay: accounts and slots by hash, with their tries ({@link StateTries}) and
 * change sets ({@link StateHistory}).
 */
final class FlatState {
  private final StateOverlay overlay;
  private final StateTries tries;
  private final StateHistory history;

  /** Creates a view of the state in an overlay. */
  FlatState(StateOverlay overlay, TrieWorkers workers) {
    this(overlay, workers, null);
  }

  /**
   * Creates a view of the state in an overlay.
   *
   * @param reads accepts the RLP of each trie node that is read, from any thread; null when unused
   */
  FlatState(StateOverlay overlay, TrieWorkers workers, @Nullable Consumer<byte[]> reads) {
    this.overlay = overlay;
    this.tries = new StateTries(overlay, workers, reads);
    this.history = new StateHistory(overlay);
  }

  // ---- values

  /** Returns the account with an address hash; null when it does not exist. */
  static @Nullable Account account(KeyReader reader, Hash addressHash) {
    byte[] slim = reader.get(Columns.ACCOUNTS, addressHash.unsafeArray());
    return slim == null ? null : Account.decodeSlim(slim);
  }

  /** Returns the storage root of an account; the empty root when there is no account. */
  static Hash storageRoot(KeyReader reader, Address address) {
    Account account = account(reader, address.keccak());
    return account == null ? Account.EMPTY_ROOT : account.storageRoot();
  }

  /** Returns the value of a slot; zero when it was never written. */
  static UInt256 slot(KeyReader reader, byte[] slotKey) {
    byte[] value = reader.get(Columns.SLOTS, slotKey);
    return value == null ? UInt256.ZERO : UInt256.ofBytes(value);
  }

  /** Returns the account trie. */
  Trie accountTrie() {
    return tries.accountTrie();
  }

  /** Returns the storage trie of an account. */
  Trie storageTrie(Hash account) {
    return tries.storageTrie(account);
  }

  // ---- the changes of a block

  /**
   * Applies changes and returns the new state root.
   *
   * @param number number of the block whose change set is stored; null for no change set
   */
  Hash apply(StateChanges changes, @Nullable Long number) {
    for (StateChanges.AccountChange change : changes.accounts()) {
      Bytes code = change.newCode();
      if (code != null) {
        overlay.put(Columns.CODE, change.codeHash().toArray(), code.toArray());
      }
    }
    Map<Hash, AccountUpdate> updates = groupByAddressHash(changes);
    if (number != null) {
      history.store(updates, number);
    }
    return update(updates);
  }

  /** Returns the state root after changes, which are not applied. */
  Hash computeStateRoot(StateChanges changes) {
    return tries.compute(groupByAddressHash(changes)).accounts().rootHash();
  }

  /** Returns the storage root of an account after changes, which are not applied. */
  Hash computeStorageRoot(StateChanges changes, Address address) {
    Trie changed = tries.computeStorages(groupByAddressHash(changes)).get(address.keccak());
    return changed == null ? storageRoot(overlay, address) : changed.rootHash();
  }

  private Hash update(Map<Hash, AccountUpdate> updates) {
    return tries.commit(tries.compute(updates), updates);
  }

  private Map<Hash, AccountUpdate> groupByAddressHash(StateChanges changes) {
    Map<Hash, AccountUpdate> updates = new TreeMap<>();
    for (StateChanges.AccountChange change : changes.accounts()) {
      Hash hash = change.address().keccak();
      Map<Hash, UInt256> slots = new HashMap<>();
      if (change.storageCleared() || !change.exists()) {
        forEachSlot(hash, slot -> slots.put(slot, UInt256.ZERO));
      }
      if (change.exists()) {
        change.storage().forEach((key, value) -> slots.put(Hash.keccak(key.toArray()), value));
      }
      AccountFields fields =
          change.exists()
              ? new AccountFields(change.nonce(), change.balance(), change.codeHash())
              : null;
      updates.put(hash, new AccountUpdate(fields, slots));
    }
    return updates;
  }

  private void forEachSlot(Hash account, Consumer<Hash> visitor) {
    overlay.scan(
        Columns.SLOTS,
        account.toArray(),
        (key, value) -> {
          if (!Keys.startsWith(key, account.unsafeArray())) {
            return false;
          }
          visitor.accept(Hash.wrap(Arrays.copyOfRange(key, Hash.SIZE, 2 * Hash.SIZE)));
          return true;
        });
  }

  // ---- other blocks

  /** Unwinds the highest block and deletes its change set. */
  void unwind(long number) {
    Map<Hash, AccountUpdate> updates = history.backTo(number);
    history.prune(number);
    update(updates);
  }

  /**
   * Brings the state after block {@code from} back to the state after block {@code to}, to be read:
   * the change sets stay. Each trie node is computed once, however many blocks have changed it.
   *
   * @throws dev.patchbay.api.storage.StorageException when more keys were changed in between than
   *     the heap allows
   */
  void rewind(long from, long to) {
    update(history.backTo(from, to));
  }

  /**
   * Brings the tries, which are the tries after block {@code from}, to the values, which are the
   * values after block {@code to}; returns the state root.
   */
  Hash catchUp(long from, long to) {
    return update(history.forwardTo(from, to));
  }

  /** Puts the values before a block in place of the values after it; the tries stay as they are. */
  void restoreValues(long number) {
    history.restoreValues(number);
  }
}
