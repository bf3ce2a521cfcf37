// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.chain;

import com.github.benmanes.caffeine.cache.Cache;
import com.github.benmanes.caffeine.cache.Caffeine;
import dev.patchbay.api.state.IterableStateReader;
import dev.patchbay.api.state.StateProof;
import dev.patchbay.api.state.StateProvider;
import dev.patchbay.api.storage.KeyReader;
import dev.patchbay.api.storage.KeyValueStore;
import dev.patchbay.api.storage.Snapshot;
import dev.patchbay.api.storage.StorageException;
import dev.patchbay.api.storage.StoreLease;
import dev.patchbay.primitives.Account;
import dev.patchbay.primitives.Address;
import dev.patchbay.primitives.Block;
import dev.patchbay.primitives.BlockHeader;
import dev.patchbay.primitives.Bytes;
import dev.patchbay.primitives.Hash;
import dev.patchbay.primitives.UInt256;
import dev.patchbay.primitives.execution.StateChanges;
import dev.patchbay.trie.Trie;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/**
 * The states after canonical blocks. The store has the state after the head; an older state is the
 * state after the head with the later blocks unwound.
 *
 * <p>Threading: any thread.
 */
final class StateArchive implements StateProvider {
  private static final long CACHE_BYTES = 16L << 20;
  private static final long MAX_WAIT_NANOS = 5_000_000_000L;

  /** Tries of up to this many blocks back are computed without a permit. */
  private static final long MAX_SHALLOW_BLOCKS = 64;

  /** How many deep rewinds run at once; each may take a 6th of the heap. */
  private static final int MAX_DEEP_REWINDS = 2;

  private static final long PERMIT_SECONDS = 10;

  private static final int REWINDS_HEAP_SHARE = 16;
  private static final int REWIND_SECONDS = 60;
  private static final long MAX_WEIGHT = Integer.MAX_VALUE;

  private final ChainHead head;
  private final RecentNodes recent;
  private final HistoryPruner pruner;
  private final ReorgSequence reorgs;
  private final TrieWorkers workers;
  private final StateCache cache = new StateCache(CACHE_BYTES);
  private final Semaphore deepRewinds = new Semaphore(MAX_DEEP_REWINDS, true);

  /** Deep rewinds: a request computes several roots of the same state, and clients ask again. */
  private final Cache<Rewind, WriteSet> rewinds =
      Caffeine.newBuilder()
          .executor(Runnable::run)
          .maximumWeight(Runtime.getRuntime().maxMemory() / REWINDS_HEAP_SHARE)
          .weigher((Rewind rewind, WriteSet writes) -> (int) Math.min(MAX_WEIGHT, writes.bytes()))
          .expireAfterAccess(REWIND_SECONDS, TimeUnit.SECONDS)
          .build();

  /** The way from the state after a head to the state after another block. */
  private record Rewind(Hash head, Hash block) {}

  StateArchive(
      ChainHead head,
      RecentNodes recent,
      HistoryPruner pruner,
      ReorgSequence reorgs,
      TrieWorkers workers) {
    this.head = head;
    this.recent = recent;
    this.pruner = pruner;
    this.reorgs = reorgs;
    this.workers = workers;
  }

  /** Clears the cache: another store may hold another chain. */
  void clearCache() {
    cache.clear();
    rewinds.invalidateAll();
  }

  /** Returns the state after the head: the store with the trie nodes that are still in memory. */
  KeyReader stateOfHead(KeyValueStore store) {
    return recent.view().over(store);
  }

  @Override
  public @Nullable IterableStateReader stateAt(Hash blockHash) {
    head.requireFresh();
    StoreLease lease = head.storage().lease();
    try {
      long noted = reorgs.awaitStable();
      Long number = canonicalNumber(lease.get(), blockHash);
      if (number == null) {
        lease.close();
        return null;
      }
      Runnable check =
          () -> {
            if (!reorgs.isCurrent(noted)) {
              throw new StorageException("a reorg took place while this state was read; ask again");
            }
            pruner.requireState(number);
          };
      check.run();
      return new States.Historic(lease.get(), cache, blockHash, number, check, lease::close);
    } catch (Throwable failure) { // an error, too, must not keep the lease
      lease.close();
      throw failure;
    }
  }

  /** Returns the number of a canonical block; null for any other block. */
  private @Nullable Long canonicalNumber(KeyReader reader, Hash hash) {
    Block current = head.cached();
    if (current != null && current.hash().equals(hash)) {
      return current.number(); // most reads are of the head
    }
    return ChainStore.canonicalNumber(reader, hash);
  }

  @Override
  public @Nullable Set<Hash> changedAccounts(Hash blockHash) {
    return head.read(
        reader -> {
          Long number = canonicalNumber(reader, blockHash);
          return number == null ? null : StateHistory.changedAccounts(reader, number);
        });
  }

  @Override
  public StateRetention retention() {
    return pruner.stateRetention();
  }

  @Override
  public Hash computeStateRoot(Hash parent, StateChanges changes) {
    return readTries(parent, overlay -> new FlatState(overlay, workers).computeStateRoot(changes));
  }

  @Override
  public Hash computeStorageRoot(Hash parent, StateChanges changes, Address address) {
    List<StateChanges.AccountChange> own =
        changes.accounts().stream().filter(change -> change.address().equals(address)).toList();
    return readTries(
        parent,
        overlay ->
            new FlatState(overlay, workers).computeStorageRoot(new StateChanges(own), address));
  }

  @Override
  public @Nullable StateProof prove(Hash blockHash, Address address, List<UInt256> keys) {
    return readAt(blockHash, overlay -> prove(overlay, address, keys));
  }

  private StateProof prove(StateOverlay overlay, Address address, List<UInt256> keys) {
    FlatState state = new FlatState(overlay, workers);
    Hash hash = address.keccak();
    Account account = FlatState.account(overlay, hash);
    List<StateProof.Slot> slots = new ArrayList<>();
    for (UInt256 key : keys) {
      Hash slot = Hash.keccak(key.toArray());
      slots.add(
          new StateProof.Slot(
              key,
              FlatState.slot(overlay, Keys.slot(hash, slot)),
              proof(state.storageTrie(hash), slot)));
    }
    return new StateProof(
        account == null ? Account.EMPTY : account, proof(state.accountTrie(), hash), slots);
  }

  private static List<Bytes> proof(Trie trie, Hash key) {
    return trie.proof(key.toArray()).stream().map(Bytes::wrap).toList();
  }

  @Override
  public Set<Bytes> witness(Hash blockHash, Map<Address, Set<UInt256>> read, StateChanges changes) {
    return readTries(
        blockHash,
        overlay -> {
          Set<Bytes> nodes = ConcurrentHashMap.newKeySet();
          FlatState state = new FlatState(overlay, workers, rlp -> nodes.add(Bytes.of(rlp)));
          Trie accounts = state.accountTrie();
          read.forEach(
              (address, keys) -> {
                Hash hash = address.keccak();
                accounts.get(hash.toArray());
                Trie storage = state.storageTrie(hash);
                keys.forEach(key -> storage.get(Hash.keccak(key.toArray()).toArray()));
              });
          state.apply(changes, null);
          return nodes;
        });
  }

  // ---- tries, whose nodes must be of one moment

  private <T> T readTries(Hash blockHash, Function<StateOverlay, T> reading) {
    T result = readAt(blockHash, reading);
    if (result == null) {
      throw new IllegalArgumentException("no state after block " + blockHash);
    }
    return result;
  }

  /** Reads the state after a canonical block as an overlay; returns null for any other block. */
  private <T> @Nullable T readAt(Hash blockHash, Function<StateOverlay, T> reading) {
    if (!isDeep(blockHash)) {
      return readSnapshot(blockHash, reading);
    }
    awaitPermit(blockHash);
    try {
      return readSnapshot(blockHash, reading);
    } finally {
      deepRewinds.release();
    }
  }

  /** Returns whether the tries after a block are to be computed from those of many blocks. */
  private boolean isDeep(Hash blockHash) {
    Block current = head.cached();
    if (current == null || current.hash().equals(blockHash)) {
      return false;
    }
    if (rewinds.getIfPresent(new Rewind(current.hash(), blockHash)) != null) {
      return false;
    }
    Long number = head.read(reader -> ChainStore.canonicalNumber(reader, blockHash));
    return number != null && current.number() - number > MAX_SHALLOW_BLOCKS;
  }

  private void awaitPermit(Hash blockHash) {
    try {
      if (deepRewinds.tryAcquire(PERMIT_SECONDS, TimeUnit.SECONDS)) {
        return;
      }
    } catch (InterruptedException interrupted) {
      Thread.currentThread().interrupt();
    }
    throw new StorageException(
        "the tries after block "
            + blockHash
            + " are not computed now: "
            + MAX_DEEP_REWINDS
            + " other requests compute older tries; ask again");
  }

  private <T> @Nullable T readSnapshot(Hash blockHash, Function<StateOverlay, T> reading) {
    return readHead(
        reader -> {
          StateOverlay overlay = overlayAt(reader, blockHash);
          return overlay == null ? null : reading.apply(overlay);
        });
  }

  /** Reads a snapshot of the store that has the state after the head, tries included. */
  <T> @Nullable T readHead(Function<KeyReader, @Nullable T> reading) {
    head.requireFresh();
    long start = System.nanoTime();
    do {
      RecentNodes.View nodes = recent.view();
      try (StoreLease lease = head.storage().lease();
          Snapshot snapshot = lease.get().snapshot()) {
        if (nodes.fits(snapshot)) {
          return reading.apply(nodes.over(snapshot));
        }
      }
      Thread.yield(); // the store has a new head, and its nodes are added within moments
    } while (System.nanoTime() - start < MAX_WAIT_NANOS);
    throw new StorageException("the trie nodes in memory do not fit the store; restart the node");
  }

  private @Nullable StateOverlay overlayAt(KeyReader reader, Hash blockHash) {
    Long wanted = ChainStore.canonicalNumber(reader, blockHash);
    byte[] headHash = reader.get(Columns.META, Keys.HEAD);
    BlockHeader top = headHash == null ? null : ChainStore.header(reader, Hash.of(headHash));
    if (wanted == null || top == null) {
      return null;
    }
    pruner.requireState(wanted);
    Rewind rewind = new Rewind(top.computeHash(), blockHash);
    WriteSet known = rewinds.getIfPresent(rewind);
    if (known != null) {
      return new StateOverlay(known.over(reader));
    }
    StateOverlay overlay = new StateOverlay(reader);
    new FlatState(overlay, workers).rewind(top.number(), wanted);
    if (top.number() - wanted <= MAX_SHALLOW_BLOCKS) {
      return overlay;
    }
    rewinds.put(rewind, overlay.writes());
    return new StateOverlay(overlay.writes().over(reader)); // what a request writes is its own
  }
}
