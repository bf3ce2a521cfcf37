// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.chain;

import dev.patchbay.api.storage.Column;
import dev.patchbay.api.storage.KeyReader;
import dev.patchbay.primitives.Account;
import dev.patchbay.primitives.Bytes;
import dev.patchbay.primitives.Hash;
import dev.patchbay.primitives.UInt256;
import dev.patchbay.primitives.execution.StateChanges;
import dev.patchbay.primitives.rlp.RlpReader;
import dev.patchbay.primitives.rlp.RlpWriter;
import dev.patchbay.trie.NodeSink;
import dev.patchbay.trie.NodeStore;
import dev.patchbay.trie.Trie;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/**
 * The state in an overlay: accounts and slots by hash for reads, trie nodes by path for roots, and
 * for each block the values that it replaced, so that it can be undone and older states be read.
 */
final class FlatState {
  private static final byte[] ABSENT = new byte[0];

  /** Fewer slots than this are not worth another thread. */
  private static final int PARALLEL_SLOTS = 32;

  private final Overlay overlay;
  private final @Nullable TrieWorkers workers;

  FlatState(Overlay overlay) {
    this(overlay, null);
  }

  /** Storage tries of different accounts are computed in parallel when there are workers. */
  FlatState(Overlay overlay, @Nullable TrieWorkers workers) {
    this.overlay = overlay;
    this.workers = workers;
  }

  /** What becomes of an account: its fields, null when it is gone, and its slots by hash. */
  private record Change(@Nullable Fields fields, Map<Hash, UInt256> slots) {}

  private record Fields(long nonce, UInt256 balance, Hash codeHash) {}

  static @Nullable Account account(KeyReader reader, Hash addressHash) {
    byte[] rlp = reader.get(Column.ACCOUNTS, addressHash.unsafeArray());
    return rlp == null ? null : Account.decode(rlp);
  }

  static UInt256 slot(KeyReader reader, byte[] key) {
    byte[] value = reader.get(Column.SLOTS, key);
    return value == null ? UInt256.ZERO : UInt256.ofBytes(value);
  }

  /**
   * Applies the changes of a block and returns the new state root; with a number the old values are
   * kept for it.
   */
  Hash apply(StateChanges changes, @Nullable Long number) {
    Map<Hash, Change> byHash = new TreeMap<>();
    for (StateChanges.AccountChange change : changes.accounts()) {
      Hash hash = change.address().keccak();
      Map<Hash, UInt256> slots = new HashMap<>();
      if (change.storageCleared() || !change.exists()) {
        forEachSlot(hash, slot -> slots.put(slot, UInt256.ZERO));
      }
      if (change.exists()) {
        change.storage().forEach((key, value) -> slots.put(Hash.keccak(key.toArray()), value));
      }
      Bytes code = change.newCode();
      if (code != null) {
        overlay.put(Column.CODE, change.codeHash().toArray(), code.toArray());
      }
      Fields fields =
          change.exists() ? new Fields(change.nonce(), change.balance(), change.codeHash()) : null;
      byHash.put(hash, new Change(fields, slots));
    }
    if (number != null) {
      keepHistory(byHash, number);
    }
    return update(byHash);
  }

  /** Takes the changes of the highest block back and forgets what was kept for it. */
  void unwind(long number) {
    byte[] changed = overlay.get(Column.CHANGES, Keys.number(number));
    if (changed == null) {
      throw new IllegalStateException("no change set of block " + number);
    }
    Map<Hash, Change> byHash = new TreeMap<>();
    RlpReader lists = RlpReader.of(changed).list();
    for (RlpReader accounts = lists.list(); accounts.hasNext(); ) {
      Hash hash = accounts.hash();
      byte[] key = Keys.history(hash.unsafeArray(), number);
      byte[] old = overlay.get(Column.ACCOUNT_HISTORY, key);
      overlay.delete(Column.ACCOUNT_HISTORY, key);
      Fields fields = null;
      if (old != null && old.length > 0) {
        Account account = Account.decode(old);
        fields = new Fields(account.nonce(), account.balance(), account.codeHash());
      }
      byHash.put(hash, new Change(fields, new HashMap<>()));
    }
    for (RlpReader slots = lists.list(); slots.hasNext(); ) {
      byte[] pair = slots.byteArray();
      byte[] key = Keys.history(pair, number);
      byte[] old = overlay.get(Column.SLOT_HISTORY, key);
      overlay.delete(Column.SLOT_HISTORY, key);
      Change change = byHash.get(Hash.wrap(Arrays.copyOf(pair, 32)));
      if (change != null) {
        change.slots.put(
            Hash.wrap(Arrays.copyOfRange(pair, 32, 64)),
            UInt256.ofBytes(old == null ? ABSENT : old));
      }
    }
    overlay.delete(Column.CHANGES, Keys.number(number));
    update(byHash);
  }

  private void keepHistory(Map<Hash, Change> changes, long number) {
    List<byte[]> slots = new ArrayList<>();
    changes.forEach(
        (hash, change) -> {
          byte[] old = overlay.get(Column.ACCOUNTS, hash.unsafeArray());
          overlay.put(
              Column.ACCOUNT_HISTORY,
              Keys.history(hash.unsafeArray(), number),
              old == null ? ABSENT.clone() : old);
          for (Hash slot : change.slots.keySet()) {
            byte[] key = Keys.slot(hash, slot);
            byte[] value = overlay.get(Column.SLOTS, key);
            overlay.put(
                Column.SLOT_HISTORY,
                Keys.history(key, number),
                value == null ? ABSENT.clone() : value);
            slots.add(key);
          }
        });
    overlay.put(
        Column.CHANGES,
        Keys.number(number),
        new RlpWriter()
            .list(
                w ->
                    w.list(list -> changes.keySet().forEach(list::hash))
                        .list(list -> slots.forEach(list::bytes)))
            .toArray());
  }

  private Hash update(Map<Hash, Change> changes) {
    Map<Hash, Trie> storages = storageTries(changes);
    storages.forEach((hash, trie) -> keepSlots(hash, trie, changes));
    Trie accounts = new Trie(nodes(Column.ACCOUNT_TRIE, new byte[0]));
    changes.forEach(
        (hash, change) -> {
          Account before = account(overlay, hash);
          Trie storage = storages.get(hash);
          Hash storageRoot =
              storage != null
                  ? storage.rootHash()
                  : before == null ? Account.EMPTY_ROOT : before.storageRoot();
          Fields fields = change.fields;
          if (fields == null) {
            accounts.remove(hash.unsafeArray());
            overlay.delete(Column.ACCOUNTS, hash.toArray());
          } else {
            byte[] rlp =
                new Account(fields.nonce, fields.balance, storageRoot, fields.codeHash).encode();
            accounts.put(hash.unsafeArray(), rlp);
            overlay.put(Column.ACCOUNTS, hash.toArray(), rlp);
          }
        });
    accounts.commit(sink(Column.ACCOUNT_TRIE, new byte[0]));
    return accounts.rootHash();
  }

  /** Computes the changed storage tries; nothing is written yet. */
  private Map<Hash, Trie> storageTries(Map<Hash, Change> changes) {
    Map<Hash, Trie> tries = new TreeMap<>();
    List<Runnable> tasks = new ArrayList<>();
    int slots = 0;
    for (Map.Entry<Hash, Change> entry : changes.entrySet()) {
      Map<Hash, UInt256> changed = entry.getValue().slots;
      if (!changed.isEmpty()) {
        Trie trie = storageTrie(entry.getKey());
        tries.put(entry.getKey(), trie);
        tasks.add(() -> putSlots(trie, changed));
        slots += changed.size();
      }
    }
    if (workers != null && tasks.size() > 1 && slots >= PARALLEL_SLOTS) {
      workers.run(tasks);
    } else {
      tasks.forEach(Runnable::run);
    }
    return tries;
  }

  private static void putSlots(Trie trie, Map<Hash, UInt256> slots) {
    slots.forEach(
        (slot, value) -> {
          if (value.isZero()) {
            trie.remove(slot.unsafeArray());
          } else {
            trie.put(slot.unsafeArray(), new RlpWriter().number(value).toArray());
          }
        });
    trie.rootHash(); // hashes all of its nodes
  }

  private void keepSlots(Hash account, Trie trie, Map<Hash, Change> changes) {
    Change change = changes.get(account);
    if (change != null) {
      change.slots.forEach(
          (slot, value) -> {
            byte[] key = Keys.slot(account, slot);
            if (value.isZero()) {
              overlay.delete(Column.SLOTS, key);
            } else {
              overlay.put(Column.SLOTS, key, value.toMinimalArray());
            }
          });
    }
    trie.commit(sink(Column.STORAGE_TRIE, account.unsafeArray()));
  }

  Trie accountTrie() {
    return new Trie(nodes(Column.ACCOUNT_TRIE, new byte[0]));
  }

  Trie storageTrie(Hash account) {
    return new Trie(nodes(Column.STORAGE_TRIE, account.unsafeArray()));
  }

  private NodeStore nodes(Column column, byte[] prefix) {
    return path -> overlay.get(column, Keys.pair(prefix, path));
  }

  private NodeSink sink(Column column, byte[] prefix) {
    return new NodeSink() {
      @Override
      public void put(byte[] path, byte[] rlp) {
        overlay.put(column, Keys.pair(prefix, path), rlp);
      }

      @Override
      public void remove(byte[] path) {
        overlay.delete(column, Keys.pair(prefix, path));
      }
    };
  }

  private void forEachSlot(Hash account, java.util.function.Consumer<Hash> visitor) {
    overlay.scan(
        Column.SLOTS,
        account.toArray(),
        (key, value) -> {
          if (!Arrays.equals(key, 0, 32, account.unsafeArray(), 0, 32)) {
            return false;
          }
          visitor.accept(Hash.wrap(Arrays.copyOfRange(key, 32, 64)));
          return true;
        });
  }
}
