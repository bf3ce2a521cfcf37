// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.chain;

import dev.patchbay.api.storage.Column;
import dev.patchbay.chain.AccountUpdate.AccountFields;
import dev.patchbay.primitives.Account;
import dev.patchbay.primitives.Hash;
import dev.patchbay.primitives.UInt256;
import dev.patchbay.primitives.rlp.RlpWriter;
import dev.patchbay.trie.NodeSink;
import dev.patchbay.trie.NodeStore;
import dev.patchbay.trie.Trie;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.IdentityHashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * The account trie and the storage tries in an overlay. Branch and extension nodes are stored by
 * path; leaves are computed from the flat values.
 */
final class StateTries {
  private static final byte[] NO_PREFIX = new byte[0];

  /** The largest encoding of a slot in a trie. */
  private static final int SLOT_BYTES = 33;

  /** Fewer keys than this do not pay for another thread. */
  private static final int MIN_PARALLEL_KEYS = 32;

  private final StateOverlay overlay;
  private final TrieWorkers workers;
  private final @Nullable Consumer<byte[]> reads;

  /**
   * Creates a view of tries.
   *
   * @param workers compute several tries, and the parts of large ones, in parallel
   * @param reads accepts the RLP of each node that is read, from any thread; null when unused
   */
  StateTries(StateOverlay overlay, TrieWorkers workers, @Nullable Consumer<byte[]> reads) {
    this.overlay = overlay;
    this.workers = workers;
    this.reads = reads;
  }

  /**
   * Tries after changes that are not written yet.
   *
   * @param accounts the account trie
   * @param storages the changed storage tries by the hash of the account
   * @param values the changed accounts by hash; null when the account no longer exists
   */
  record TrieUpdate(Trie accounts, Map<Hash, Trie> storages, Map<Hash, @Nullable Account> values) {}

  /** Returns the account trie. */
  Trie accountTrie() {
    return trie(Columns.ACCOUNT_TRIE, Columns.ACCOUNTS, NO_PREFIX);
  }

  /** Returns the storage trie of an account. */
  Trie storageTrie(Hash account) {
    return trie(Columns.STORAGE_TRIE, Columns.SLOTS, account.unsafeArray());
  }

  private Trie trie(Column nodes, Column values, byte[] prefix) {
    Trie trie = new Trie(new Nodes(nodes, values, prefix), workers.nodes(), prefix);
    if (reads != null) {
      trie.recordReads(reads);
    }
    return trie;
  }

  /** Computes the tries after changes. The flat values must be the values before them. */
  TrieUpdate compute(Map<Hash, AccountUpdate> changes) {
    Map<Hash, Trie> storages = computeStorages(changes);
    Map<Hash, @Nullable Account> values = new TreeMap<>();
    List<Trie.Change> encoded = new ArrayList<>(changes.size());
    changes.forEach(
        (hash, change) -> {
          AccountFields fields = change.fields();
          Account after =
              fields == null
                  ? null
                  : new Account(
                      fields.nonce(),
                      fields.balance(),
                      storageRoot(hash, storages.get(hash)),
                      fields.codeHash());
          values.put(hash, after);
          encoded.add(new Trie.Change(hash.unsafeArray(), after == null ? null : after.encode()));
        });
    Trie accounts = accountTrie();
    update(Map.of(accounts, encoded));
    return new TrieUpdate(accounts, storages, values);
  }

  private Hash storageRoot(Hash account, @Nullable Trie changed) {
    if (changed != null) {
      return changed.rootHash();
    }
    Account before = FlatState.account(overlay, account);
    return before == null ? Account.EMPTY_ROOT : before.storageRoot();
  }

  /** Computes the storage tries after changes, by the hash of the account. */
  Map<Hash, Trie> computeStorages(Map<Hash, AccountUpdate> changes) {
    Map<Hash, Trie> tries = new TreeMap<>();
    Map<Trie, List<Trie.Change>> updates = new IdentityHashMap<>();
    changes.forEach(
        (hash, change) -> {
          if (!change.slots().isEmpty()) {
            Trie trie = storageTrie(hash);
            tries.put(hash, trie);
            List<Trie.Change> slots = new ArrayList<>(change.slots().size());
            change
                .slots()
                .forEach(
                    (slot, value) ->
                        slots.add(new Trie.Change(slot.unsafeArray(), encodeSlot(value))));
            updates.put(trie, slots);
          }
        });
    update(updates);
    return tries;
  }

  private void update(Map<Trie, List<Trie.Change>> changes) {
    List<Trie.Update> updates = new ArrayList<>();
    List<Runnable> tasks = new ArrayList<>();
    int keys = 0;
    for (Map.Entry<Trie, List<Trie.Change>> entry : changes.entrySet()) {
      Trie.Update update = entry.getKey().update(entry.getValue());
      updates.add(update);
      tasks.addAll(update.tasks());
      keys += entry.getValue().size();
    }
    if (tasks.size() > 1 && keys >= MIN_PARALLEL_KEYS) {
      workers.run(tasks);
    } else {
      tasks.forEach(Runnable::run);
    }
    updates.forEach(Trie.Update::end);
  }

  /** Writes computed tries and the changed values into the overlay; returns the state root. */
  Hash commit(TrieUpdate update, Map<Hash, AccountUpdate> changes) {
    update
        .storages()
        .forEach(
            (hash, trie) -> {
              AccountUpdate change = changes.get(hash);
              if (change != null) {
                change.slots().forEach((slot, value) -> writeSlot(Keys.slot(hash, slot), value));
              }
              trie.commit(sink(Columns.STORAGE_TRIE, hash.unsafeArray()));
            });
    update.values().forEach(this::writeAccount);
    update.accounts().commit(sink(Columns.ACCOUNT_TRIE, NO_PREFIX));
    return update.accounts().rootHash();
  }

  private void writeSlot(byte[] key, UInt256 value) {
    if (value.isZero()) {
      overlay.delete(Columns.SLOTS, key);
    } else {
      overlay.put(Columns.SLOTS, key, value.toMinimalArray());
    }
  }

  private void writeAccount(Hash hash, @Nullable Account account) {
    if (account == null) {
      overlay.delete(Columns.ACCOUNTS, hash.unsafeArray());
    } else {
      overlay.put(Columns.ACCOUNTS, hash.unsafeArray(), account.encodeSlim());
    }
  }

  /** Returns the value of a slot in a trie; null for zero. */
  private static byte @Nullable [] encodeSlot(UInt256 value) {
    return value.isZero() ? null : new RlpWriter(SLOT_BYTES).number(value).toArray();
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

  /** The nodes and the flat values of a trie, in two columns of the overlay under a prefix. */
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
      return value == null ? null : encode(value);
    }

    @Override
    public @Nullable Entry first(byte[] from) {
      Entry[] found = new Entry[1];
      overlay.scan(
          values,
          Keys.pair(prefix, from),
          (key, value) -> {
            if (Keys.startsWith(key, prefix)) {
              found[0] =
                  new Entry(Arrays.copyOfRange(key, prefix.length, key.length), encode(value));
            }
            return false;
          });
      return found[0];
    }

    private byte[] encode(byte[] flat) {
      return values == Columns.SLOTS
          ? new RlpWriter(RlpWriter.sizeOf(flat)).bytes(flat).toArray()
          : Account.decodeSlim(flat).encode();
    }
  }
}
