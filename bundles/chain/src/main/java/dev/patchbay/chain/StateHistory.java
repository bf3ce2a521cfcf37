// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.chain;

import dev.patchbay.api.storage.Column;
import dev.patchbay.api.storage.KeyReader;
import dev.patchbay.api.storage.StorageException;
import dev.patchbay.chain.AccountUpdate.AccountFields;
import dev.patchbay.primitives.Hash;
import dev.patchbay.primitives.UInt256;
import dev.patchbay.primitives.rlp.RlpReader;
import dev.patchbay.primitives.rlp.RlpWriter;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * The change sets in an overlay: for each block the keys that it changed, and for each of the keys
 * the value before the block.
 */
final class StateHistory {
  private static final byte[] ABSENT = new byte[0];

  /** A changed key occupies about 300 bytes while an older state is computed: a 6th of the heap. */
  private static final long MAX_MERGED_KEYS = Runtime.getRuntime().maxMemory() / 2_000;

  private final StateOverlay overlay;

  StateHistory(StateOverlay overlay) {
    this.overlay = overlay;
  }

  // ---- writing

  /** Stores the values that a block is about to change. */
  void store(Map<Hash, AccountUpdate> changes, long number) {
    List<byte[]> slots = new ArrayList<>();
    changes.forEach(
        (hash, change) -> {
          byte[] account = hash.unsafeArray();
          overlay.put(
              Columns.ACCOUNT_HISTORY,
              Keys.history(account, number),
              orAbsent(overlay.get(Columns.ACCOUNTS, account)));
          for (Hash slot : change.slots().keySet()) {
            byte[] key = Keys.slot(hash, slot);
            overlay.put(
                Columns.SLOT_HISTORY,
                Keys.history(key, number),
                orAbsent(overlay.get(Columns.SLOTS, key)));
            slots.add(key);
          }
        });
    overlay.put(
        Columns.CHANGES,
        Keys.number(number),
        new RlpWriter()
            .list(
                w ->
                    w.list(list -> changes.keySet().forEach(list::hash))
                        .list(list -> slots.forEach(list::bytes)))
            .toArray());
  }

  /** Deletes the change set of a block, which can no longer be unwound; does nothing without it. */
  void prune(long number) {
    visit(
        number,
        hash -> overlay.delete(Columns.ACCOUNT_HISTORY, Keys.history(hash.unsafeArray(), number)),
        slotKey -> overlay.delete(Columns.SLOT_HISTORY, Keys.history(slotKey, number)));
    overlay.delete(Columns.CHANGES, Keys.number(number));
  }

  /** Puts the values before a block in place of the values after it. */
  void restoreValues(long number) {
    require(
        number,
        hash -> set(Columns.ACCOUNTS, hash.unsafeArray(), accountBefore(hash, number)),
        slotKey -> set(Columns.SLOTS, slotKey, slotBefore(slotKey, number)));
  }

  private void set(Column column, byte[] key, byte[] value) {
    if (value.length == 0) {
      overlay.delete(column, key);
    } else {
      overlay.put(column, key, value);
    }
  }

  // ---- changes between two blocks

  /** Returns the changes that lead from the state after a block to the state before it. */
  Map<Hash, AccountUpdate> backTo(long number) {
    return merge(number, number - 1, Long.MAX_VALUE);
  }

  /**
   * Returns the changes that lead from the state after block {@code from} to the state after the
   * earlier block {@code to}. Each value is looked up once, however many blocks have changed it.
   *
   * @throws StorageException when more keys were changed in between than the heap allows
   */
  Map<Hash, AccountUpdate> backTo(long from, long to) {
    return merge(from, to, MAX_MERGED_KEYS);
  }

  private Map<Hash, AccountUpdate> merge(long from, long to, long maxKeys) {
    Map<Hash, AccountUpdate> merged = new TreeMap<>();
    long[] keys = {0};
    for (long next = to + 1; next <= from; next++) {
      long number = next;
      // the first change after the wanted state has the value in it
      require(
          number,
          hash -> {
            if (!merged.containsKey(hash)) {
              AccountFields fields = AccountFields.of(accountBefore(hash, number));
              merged.put(hash, new AccountUpdate(fields, new HashMap<>()));
              keys[0]++;
            }
          },
          slotKey -> {
            Map<Hash, UInt256> slots = updateOf(merged, slotKey).slots();
            Hash slot = slotOf(slotKey);
            if (!slots.containsKey(slot)) {
              slots.put(slot, UInt256.ofBytes(slotBefore(slotKey, number)));
              keys[0]++;
            }
          });
      if (keys[0] > maxKeys) {
        throw new StorageException(
            "the tries after block "
                + to
                + " cannot be computed: more than "
                + maxKeys
                + " accounts and slots have changed since. Give the node more heap, or ask for a later block");
      }
    }
    return merged;
  }

  /**
   * Returns the changes that lead from the state after block {@code from} to the state after the
   * later block {@code to}, whose values the overlay has. The overlay has the values after {@code
   * from} afterwards: tries compute their leaves from them.
   */
  Map<Hash, AccountUpdate> forwardTo(long from, long to) {
    Map<Hash, AccountUpdate> merged = new TreeMap<>();
    for (long next = to; next > from; next--) {
      long number = next;
      require(
          number,
          hash -> {
            byte[] key = hash.unsafeArray();
            if (!merged.containsKey(hash)) {
              AccountFields now = AccountFields.of(orAbsent(overlay.get(Columns.ACCOUNTS, key)));
              merged.put(hash, new AccountUpdate(now, new HashMap<>()));
            }
            set(Columns.ACCOUNTS, key, accountBefore(hash, number));
          },
          slotKey -> {
            updateOf(merged, slotKey)
                .slots()
                .putIfAbsent(slotOf(slotKey), FlatState.slot(overlay, slotKey));
            set(Columns.SLOTS, slotKey, slotBefore(slotKey, number));
          });
    }
    return merged;
  }

  private static AccountUpdate updateOf(Map<Hash, AccountUpdate> merged, byte[] slotKey) {
    AccountUpdate update = merged.get(Hash.wrap(Arrays.copyOf(slotKey, Hash.SIZE)));
    if (update == null) {
      throw new IllegalStateException("a change set names a slot of an account that it does not");
    }
    return update;
  }

  private static Hash slotOf(byte[] slotKey) {
    return Hash.wrap(Arrays.copyOfRange(slotKey, Hash.SIZE, 2 * Hash.SIZE));
  }

  // ---- one change set

  /** Returns the address hashes of the accounts that a block changed; null without change set. */
  static @Nullable Set<Hash> changedAccounts(KeyReader reader, long number) {
    byte[] changed = reader.get(Columns.CHANGES, Keys.number(number));
    if (changed == null) {
      return null;
    }
    Set<Hash> out = new HashSet<>();
    for (RlpReader accounts = RlpReader.of(changed).list().list(); accounts.hasNext(); ) {
      out.add(accounts.hash());
    }
    return out;
  }

  private void require(long number, Consumer<Hash> onAccount, Consumer<byte[]> onSlot) {
    if (!visit(number, onAccount, onSlot)) {
      throw new IllegalStateException("no change set of block " + number);
    }
  }

  /**
   * Visits the keys that a block changed: accounts by hash, then slots by the hash of the account
   * and the hash of the key. Returns whether there is a change set.
   */
  private boolean visit(long number, Consumer<Hash> onAccount, Consumer<byte[]> onSlot) {
    byte[] changed = overlay.get(Columns.CHANGES, Keys.number(number));
    if (changed == null) {
      return false;
    }
    RlpReader lists = RlpReader.of(changed).list();
    for (RlpReader accounts = lists.list(); accounts.hasNext(); ) {
      onAccount.accept(accounts.hash());
    }
    for (RlpReader slots = lists.list(); slots.hasNext(); ) {
      onSlot.accept(slots.byteArray());
    }
    return true;
  }

  /** Returns an account before a block that changed it; empty when it did not exist. */
  private byte[] accountBefore(Hash hash, long number) {
    return before(Columns.ACCOUNT_HISTORY, hash.unsafeArray(), number);
  }

  private byte[] slotBefore(byte[] slotKey, long number) {
    return before(Columns.SLOT_HISTORY, slotKey, number);
  }

  private byte[] before(Column history, byte[] key, long number) {
    return orAbsent(overlay.get(history, Keys.history(key, number)));
  }

  private static byte[] orAbsent(byte @Nullable [] value) {
    return value == null ? ABSENT : value;
  }
}
