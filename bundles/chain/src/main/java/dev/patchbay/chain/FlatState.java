// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.chain;

import dev.patchbay.api.storage.Column;
import dev.patchbay.api.storage.KeyReader;
import dev.patchbay.api.storage.StorageException;
import dev.patchbay.primitives.Account;
import dev.patchbay.primitives.Address;
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
import java.util.IdentityHashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * The state in an overlay: accounts and slots by hash for reads, the inner nodes of the tries by
 * path for roots, and for each block the values that it replaced, so that it can be undone and
 * older states be read.
 */
final class FlatState {
  private static final byte[] ABSENT = new byte[0];

  /** What a slot takes in a trie, at most. */
  private static final int SLOT_BYTES = 33;

  /** Fewer keys than this are not worth another thread. */
  private static final int PARALLEL_KEYS = 32;

  /** A changed key takes some 300 bytes while an older state is computed; a 6th of the heap. */
  private static final long MAX_REWOUND_KEYS = Runtime.getRuntime().maxMemory() / 2_000;

  private final Overlay overlay;
  private final TrieWorkers workers;
  private final @Nullable Consumer<byte[]> witness;

  /** Tries, and large ones in themselves, are computed in parallel. */
  FlatState(Overlay overlay, TrieWorkers workers) {
    this(overlay, workers, null);
  }

  /** Hands over the nodes of tries that are read, too, from any thread. */
  FlatState(Overlay overlay, TrieWorkers workers, @Nullable Consumer<byte[]> witness) {
    this.overlay = overlay;
    this.workers = workers;
    this.witness = witness;
  }

  /** What becomes of an account: its fields, null when it is gone, and its slots by hash. */
  private record Change(@Nullable Fields fields, Map<Hash, UInt256> slots) {}

  private record Fields(long nonce, UInt256 balance, Hash codeHash) {}

  static @Nullable Account account(KeyReader reader, Hash addressHash) {
    byte[] slim = reader.get(Columns.ACCOUNTS, addressHash.unsafeArray());
    return slim == null ? null : Account.decodeSlim(slim);
  }

  /** Returns the storage root of an account; that of nothing when there is no account. */
  static Hash storageRoot(KeyReader reader, Address address) {
    Account account = account(reader, address.keccak());
    return account == null ? Account.EMPTY_ROOT : account.storageRoot();
  }

  static UInt256 slot(KeyReader reader, byte[] key) {
    byte[] value = reader.get(Columns.SLOTS, key);
    return value == null ? UInt256.ZERO : UInt256.ofBytes(value);
  }

  /**
   * Applies the changes of a block and returns the new state root; with a number the old values are
   * kept for it.
   */
  Hash apply(StateChanges changes, @Nullable Long number) {
    for (StateChanges.AccountChange change : changes.accounts()) {
      Bytes code = change.newCode();
      if (code != null) {
        overlay.put(Columns.CODE, change.codeHash().toArray(), code.toArray());
      }
    }
    Map<Hash, Change> byHash = byHash(changes);
    if (number != null) {
      keepHistory(byHash, number);
    }
    return update(byHash);
  }

  /** Returns what the state root is after changes, which are not applied. */
  Hash rootAfter(StateChanges changes) {
    return compute(byHash(changes)).trie.rootHash();
  }

  /** Returns what the storage root of an account is after its changes, which are not applied. */
  Hash storageRootAfter(StateChanges changes, Address address) {
    Trie changed = storageTries(byHash(changes)).get(address.keccak());
    return changed == null ? storageRoot(overlay, address) : changed.rootHash();
  }

  private Map<Hash, Change> byHash(StateChanges changes) {
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
      Fields fields =
          change.exists() ? new Fields(change.nonce(), change.balance(), change.codeHash()) : null;
      byHash.put(hash, new Change(fields, slots));
    }
    return byHash;
  }

  /** Takes the changes of the highest block back and forgets what was kept for it. */
  void unwind(long number) {
    Map<Hash, Change> byHash = new TreeMap<>();
    boolean known =
        forEachChanged(
            number,
            hash ->
                byHash.put(hash, new Change(fields(accountBefore(hash, number)), new HashMap<>())),
            pair ->
                changeOf(byHash, pair)
                    .slots
                    .put(slotOf(pair), UInt256.ofBytes(slotBefore(pair, number))));
    require(known, number);
    forget(number);
    update(byHash);
  }

  /**
   * Brings the state back to that after block {@code number}, from that after {@code head}, to be
   * read. The change sets are merged first: each value is looked up once, and each trie node is
   * computed once, however many blocks have changed it.
   *
   * @throws StorageException when more keys were changed since than memory allows
   */
  void rewind(long head, long number) {
    Map<Hash, Change> byHash = new TreeMap<>();
    long[] keys = {0};
    for (long next = number + 1; next <= head; next++) {
      long block = next;
      // the first change after the wanted state knows the value in it
      boolean known =
          forEachChanged(
              block,
              hash -> {
                if (!byHash.containsKey(hash)) {
                  byHash.put(hash, new Change(fields(accountBefore(hash, block)), new HashMap<>()));
                  keys[0]++;
                }
              },
              pair -> {
                Map<Hash, UInt256> slots = changeOf(byHash, pair).slots;
                Hash slot = slotOf(pair);
                if (!slots.containsKey(slot)) {
                  slots.put(slot, UInt256.ofBytes(slotBefore(pair, block)));
                  keys[0]++;
                }
              });
      require(known, block);
      if (keys[0] > MAX_REWOUND_KEYS) {
        throw new StorageException(
            "the tries after block "
                + number
                + " cannot be computed: more than "
                + MAX_REWOUND_KEYS
                + " accounts and slots have changed since. Give the node more heap, or ask for a later block");
      }
    }
    update(byHash);
  }

  /**
   * Brings the tries, which are those after block {@code from}, to the values now, which are those
   * after block {@code to}; returns the state root.
   */
  Hash catchUp(long from, long to) {
    Map<Hash, Change> byHash = new TreeMap<>();
    for (long next = to; next > from; next--) {
      long number = next;
      // in the end the overlay has the values after block from: the tries make their leaves of them
      boolean known =
          forEachChanged(
              number,
              hash -> {
                byte[] key = hash.unsafeArray();
                if (!byHash.containsKey(hash)) {
                  byte[] now = overlay.get(Columns.ACCOUNTS, key);
                  byHash.put(hash, new Change(fields(now == null ? ABSENT : now), new HashMap<>()));
                }
                write(Columns.ACCOUNTS, key, orNull(accountBefore(hash, number)));
              },
              pair -> {
                changeOf(byHash, pair).slots.putIfAbsent(slotOf(pair), slot(overlay, pair));
                write(Columns.SLOTS, pair, orNull(slotBefore(pair, number)));
              });
      require(known, number);
    }
    return update(byHash);
  }

  /** Puts the values before a block in place of those after it; the tries stay as they are. */
  void rewindValues(long number) {
    boolean known =
        forEachChanged(
            number,
            hash ->
                write(Columns.ACCOUNTS, hash.unsafeArray(), orNull(accountBefore(hash, number))),
            pair -> write(Columns.SLOTS, pair, orNull(slotBefore(pair, number))));
    require(known, number);
  }

  private static Change changeOf(Map<Hash, Change> byHash, byte[] pair) {
    Change change = byHash.get(Hash.wrap(Arrays.copyOf(pair, 32)));
    if (change == null) {
      throw new IllegalStateException("a change set names a slot of an account that it does not");
    }
    return change;
  }

  private static Hash slotOf(byte[] pair) {
    return Hash.wrap(Arrays.copyOfRange(pair, 32, 64));
  }

  private static @Nullable Fields fields(byte[] slim) {
    if (slim.length == 0) {
      return null;
    }
    Account account = Account.decodeSlim(slim);
    return new Fields(account.nonce(), account.balance(), account.codeHash());
  }

  /**
   * Visits what a block has changed, accounts by hash, then slots by hash of the account and of the
   * key; returns whether that was kept.
   */
  private boolean forEachChanged(long number, Consumer<Hash> onAccount, Consumer<byte[]> onSlot) {
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

  private static void require(boolean known, long number) {
    if (!known) {
      throw new IllegalStateException("no change set of block " + number);
    }
  }

  /** Returns what an account was before a block that changed it; empty when there was none. */
  private byte[] accountBefore(Hash hash, long number) {
    return before(Columns.ACCOUNT_HISTORY, hash.unsafeArray(), number);
  }

  private byte[] slotBefore(byte[] pair, long number) {
    return before(Columns.SLOT_HISTORY, pair, number);
  }

  private byte[] before(Column history, byte[] key, long number) {
    byte[] old = overlay.get(history, Keys.history(key, number));
    return old == null ? ABSENT : old;
  }

  private static byte @Nullable [] orNull(byte[] value) {
    return value.length == 0 ? null : value;
  }

  /** Forgets what was kept for a block: it cannot be undone any more. */
  void forget(long number) {
    forEachChanged(
        number,
        hash -> overlay.delete(Columns.ACCOUNT_HISTORY, Keys.history(hash.unsafeArray(), number)),
        pair -> overlay.delete(Columns.SLOT_HISTORY, Keys.history(pair, number)));
    overlay.delete(Columns.CHANGES, Keys.number(number));
  }

  private void keepHistory(Map<Hash, Change> changes, long number) {
    List<byte[]> slots = new ArrayList<>();
    changes.forEach(
        (hash, change) -> {
          byte[] old = overlay.get(Columns.ACCOUNTS, hash.unsafeArray());
          overlay.put(
              Columns.ACCOUNT_HISTORY,
              Keys.history(hash.unsafeArray(), number),
              old == null ? ABSENT.clone() : old);
          for (Hash slot : change.slots.keySet()) {
            byte[] key = Keys.slot(hash, slot);
            byte[] value = overlay.get(Columns.SLOTS, key);
            overlay.put(
                Columns.SLOT_HISTORY,
                Keys.history(key, number),
                value == null ? ABSENT.clone() : value);
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

  /** Tries after changes, of which nothing is written yet; accounts that are gone are null. */
  private record Computed(
      Trie trie, Map<Hash, Trie> storages, Map<Hash, @Nullable Account> accounts) {}

  private Hash update(Map<Hash, Change> changes) {
    Computed after = compute(changes);
    after.storages.forEach((hash, storage) -> keepSlots(hash, storage, changes));
    after.accounts.forEach(
        (hash, account) ->
            write(
                Columns.ACCOUNTS,
                hash.unsafeArray(),
                account == null ? null : account.encodeSlim()));
    after.trie.commit(sink(Columns.ACCOUNT_TRIE, new byte[0]));
    return after.trie.rootHash();
  }

  /** Computes tries; they make their leaves from the values as they were. */
  private Computed compute(Map<Hash, Change> changes) {
    Map<Hash, Trie> storages = storageTries(changes);
    Map<Hash, @Nullable Account> accounts = new TreeMap<>();
    List<Trie.Change> encoded = new ArrayList<>(changes.size());
    changes.forEach(
        (hash, change) -> {
          Fields fields = change.fields;
          Account after = null;
          if (fields != null) {
            Trie storage = storages.get(hash);
            Account before = storage == null ? account(overlay, hash) : null;
            Hash storageRoot =
                storage != null
                    ? storage.rootHash()
                    : before == null ? Account.EMPTY_ROOT : before.storageRoot();
            after = new Account(fields.nonce, fields.balance, storageRoot, fields.codeHash);
          }
          accounts.put(hash, after);
          encoded.add(new Trie.Change(hash.unsafeArray(), after == null ? null : after.encode()));
        });
    Trie trie = accountTrie();
    updateTries(Map.of(trie, encoded));
    return new Computed(trie, storages, accounts);
  }

  /** Computes the changed storage tries; nothing is written yet. */
  private Map<Hash, Trie> storageTries(Map<Hash, Change> changes) {
    Map<Hash, Trie> tries = new TreeMap<>();
    Map<Trie, List<Trie.Change>> updates = new IdentityHashMap<>();
    changes.forEach(
        (hash, change) -> {
          if (!change.slots.isEmpty()) {
            Trie trie = storageTrie(hash);
            tries.put(hash, trie);
            List<Trie.Change> slots = new ArrayList<>(change.slots.size());
            change.slots.forEach(
                (slot, value) -> slots.add(new Trie.Change(slot.unsafeArray(), trieValue(value))));
            updates.put(trie, slots);
          }
        });
    updateTries(updates);
    return tries;
  }

  /** Changes tries, in parallel where that pays. */
  private void updateTries(Map<Trie, List<Trie.Change>> changes) {
    List<Trie.Update> updates = new ArrayList<>();
    List<Runnable> tasks = new ArrayList<>();
    int keys = 0;
    for (Map.Entry<Trie, List<Trie.Change>> entry : changes.entrySet()) {
      Trie.Update update = entry.getKey().update(entry.getValue());
      updates.add(update);
      tasks.addAll(update.tasks());
      keys += entry.getValue().size();
    }
    if (tasks.size() > 1 && keys >= PARALLEL_KEYS) {
      workers.run(tasks);
    } else {
      tasks.forEach(Runnable::run);
    }
    updates.forEach(Trie.Update::end);
  }

  private void keepSlots(Hash account, Trie trie, Map<Hash, Change> changes) {
    Change change = changes.get(account);
    if (change != null) {
      change.slots.forEach(
          (slot, value) ->
              write(
                  Columns.SLOTS,
                  Keys.slot(account, slot),
                  value.isZero() ? null : value.toMinimalArray()));
    }
    trie.commit(sink(Columns.STORAGE_TRIE, account.unsafeArray()));
  }

  private void write(Column column, byte[] key, byte @Nullable [] value) {
    if (value == null) {
      overlay.delete(column, key);
    } else {
      overlay.put(column, key, value);
    }
  }

  /** Returns what the storage trie holds for a value, null for zero. */
  private static byte @Nullable [] trieValue(UInt256 value) {
    return value.isZero() ? null : new RlpWriter(SLOT_BYTES).number(value).toArray();
  }

  Trie accountTrie() {
    return trie(Columns.ACCOUNT_TRIE, Columns.ACCOUNTS, new byte[0]);
  }

  Trie storageTrie(Hash account) {
    return trie(Columns.STORAGE_TRIE, Columns.SLOTS, account.unsafeArray());
  }

  private Trie trie(Column nodes, Column values, byte[] prefix) {
    Trie trie = new Trie(new Nodes(nodes, values, prefix), workers.nodes(), prefix);
    if (witness != null) {
      trie.tellReads(witness);
    }
    return trie;
  }

  /** The nodes of a trie, and its leaves, in two columns of the overlay under a prefix. */
  private final class Nodes implements NodeStore {
    private final Column nodes;
    private final Column values;
    private final byte[] prefix;

    Nodes(Column nodes, Column values, byte[] prefix) {
      this.nodes = nodes;
      this.values = values;
      this.prefix = prefix;
    }

    @Override
    public byte @Nullable [] get(byte[] path) {
      return overlay.get(nodes, Keys.pair(prefix, path));
    }

    @Override
    public byte @Nullable [] value(byte[] key) {
      byte[] value = overlay.get(values, Keys.pair(prefix, key));
      return value == null ? null : ofTrie(value);
    }

    @Override
    public @Nullable Entry first(byte[] from) {
      Entry[] found = new Entry[1];
      overlay.scan(
          values,
          Keys.pair(prefix, from),
          (key, value) -> {
            if (startsWith(key, prefix)) {
              found[0] =
                  new Entry(Arrays.copyOfRange(key, prefix.length, key.length), ofTrie(value));
            }
            return false;
          });
      return found[0];
    }

    private byte[] ofTrie(byte[] value) {
      return values == Columns.SLOTS
          ? new RlpWriter(RlpWriter.sizeOf(value)).bytes(value).toArray()
          : Account.decodeSlim(value).encode();
    }
  }

  private static boolean startsWith(byte[] key, byte[] prefix) {
    return Arrays.equals(key, 0, Math.min(key.length, prefix.length), prefix, 0, prefix.length);
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

  private void forEachSlot(Hash account, Consumer<Hash> visitor) {
    overlay.scan(
        Columns.SLOTS,
        account.toArray(),
        (key, value) -> {
          if (!startsWith(key, account.unsafeArray())) {
            return false;
          }
          visitor.accept(Hash.wrap(Arrays.copyOfRange(key, 32, 64)));
          return true;
        });
  }
}
