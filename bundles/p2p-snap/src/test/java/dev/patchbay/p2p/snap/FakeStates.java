// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.p2p.snap;

import dev.patchbay.api.state.RecentStates;
import dev.patchbay.api.state.StateTrieReader;
import dev.patchbay.api.storage.StorageException;
import dev.patchbay.primitives.Account;
import dev.patchbay.primitives.Bytes;
import dev.patchbay.primitives.Hash;
import dev.patchbay.primitives.UInt256;
import dev.patchbay.primitives.rlp.RlpWriter;
import dev.patchbay.trie.Trie;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.TreeMap;
import java.util.function.BiPredicate;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/** One state in memory: 300 accounts, of which the 10 that have code have storage, too. */
final class FakeStates implements RecentStates, StateTrieReader {
  static final int ACCOUNTS = 300;

  final TreeMap<Hash, Account> accounts = new TreeMap<>();
  final Map<Hash, TreeMap<Hash, UInt256>> storages = new HashMap<>();
  final Map<Hash, Bytes> codes = new TreeMap<>();
  private final Trie trie = Trie.inMemory();
  private final Map<Hash, Trie> tries = new HashMap<>();

  /** Accounts with storage, those with fewer slots first: 3, 7, 11, … and 3,000 at last. */
  final List<Hash> contracts;

  /** Whether the store can be read. */
  boolean isAvailable = true;

  /** Called for each account and slot that is read. */
  int accountReads;

  Runnable onRead = () -> {};

  /** Called when a state is to be read: it may have to be computed. */
  Runnable onState = () -> {};

  FakeStates() {
    Random random = new Random(7);
    TreeMap<Integer, Hash> bySize = new TreeMap<>();
    for (int i = 0; i < ACCOUNTS; i++) {
      Hash hash = Hash.keccak(new byte[] {(byte) i, (byte) (i >> 8)});
      boolean isContract = i < 10;
      Hash root = Account.EMPTY_ROOT;
      Hash code = Account.EMPTY_CODE;
      if (isContract) {
        int slots = i == 9 ? 3_000 : 3 + 4 * i;
        root = addStorage(hash, slots, random);
        bySize.put(slots, hash);
        Bytes program = Bytes.of(new byte[] {0x60, (byte) i, 0x50, 0});
        code = program.keccak();
        codes.put(code, program);
      }
      accounts.put(hash, new Account(i, UInt256.of(random.nextLong(1L << 60)), root, code));
    }
    accounts.forEach((hash, account) -> trie.put(hash.toArray(), account.encode()));
    contracts = List.copyOf(bySize.values());
  }

  private Hash addStorage(Hash account, int slots, Random random) {
    TreeMap<Hash, UInt256> storage = new TreeMap<>();
    Trie storageTrie = Trie.inMemory();
    for (int i = 0; i < slots; i++) {
      Hash slot = Hash.keccak(new byte[] {1, (byte) i, (byte) (i >> 8)});
      UInt256 value = UInt256.of(random.nextInt(8) == 0 ? 1 : random.nextLong(1, 1L << 62));
      storage.put(slot, value);
      storageTrie.put(slot.toArray(), new RlpWriter().number(value).toArray());
    }
    storages.put(account, storage);
    tries.put(account, storageTrie);
    return storageTrie.rootHash();
  }

  Hash root() {
    return trie.rootHash();
  }

  @Override
  public <T> @Nullable T read(Hash stateRoot, Function<StateTrieReader, @Nullable T> reading) {
    onState.run();
    if (!isAvailable) {
      throw new StorageException("other states are being computed; ask again");
    }
    return stateRoot.equals(root()) ? reading.apply(this) : null;
  }

  @Override
  public @Nullable Bytes code(Hash codeHash) {
    return codeHash.equals(Account.EMPTY_CODE) ? Bytes.EMPTY : codes.get(codeHash);
  }

  @Override
  public @Nullable Account account(Hash addressHash) {
    accountReads++;
    return accounts.get(addressHash);
  }

  @Override
  public void accounts(Hash from, BiPredicate<Hash, Account> visitor) {
    for (Map.Entry<Hash, Account> entry : accounts.tailMap(from).entrySet()) {
      onRead.run();
      if (!visitor.test(entry.getKey(), entry.getValue())) {
        return;
      }
    }
  }

  @Override
  public void slots(Hash addressHash, Hash from, BiPredicate<Hash, UInt256> visitor) {
    TreeMap<Hash, UInt256> slots = storages.getOrDefault(addressHash, new TreeMap<>());
    for (Map.Entry<Hash, UInt256> entry : slots.tailMap(from).entrySet()) {
      onRead.run();
      if (!visitor.test(entry.getKey(), entry.getValue())) {
        return;
      }
    }
  }

  @Override
  public List<Bytes> proveAccount(Hash addressHash) {
    return trie.proof(addressHash.toArray()).stream().map(Bytes::wrap).toList();
  }

  @Override
  public List<Bytes> proveSlot(Hash addressHash, Hash slotHash) {
    return storageTrie(addressHash).proof(slotHash.toArray()).stream().map(Bytes::wrap).toList();
  }

  @Override
  public @Nullable Bytes accountNode(byte[] path) {
    return node(trie, path);
  }

  @Override
  public @Nullable Bytes storageNode(Hash addressHash, byte[] path) {
    return node(storageTrie(addressHash), path);
  }

  private Trie storageTrie(Hash addressHash) {
    return tries.getOrDefault(addressHash, Trie.inMemory());
  }

  private static @Nullable Bytes node(Trie trie, byte[] path) {
    byte[] rlp = trie.node(path);
    return rlp == null ? null : Bytes.wrap(rlp);
  }
}
