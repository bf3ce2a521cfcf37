// SPDX-License-Identifier: Apache-2.0
package dev.patchbay.chain;

import dev.patchbay.api.chain.ChainReader;
import dev.patchbay.api.consensus.ConsensusRules;
import dev.patchbay.api.consensus.ProtocolSchedule;
import dev.patchbay.api.execution.NotReadyException;
import dev.patchbay.api.state.StateProof;
import dev.patchbay.api.state.StateProvider;
import dev.patchbay.api.state.StateRange;
import dev.patchbay.api.storage.KeyReader;
import dev.patchbay.api.storage.KeyValueStore;
import dev.patchbay.api.storage.NamedStore;
import dev.patchbay.api.storage.Snapshot;
import dev.patchbay.api.storage.StorageException;
import dev.patchbay.api.storage.StorageUnavailableException;
import dev.patchbay.api.storage.StoreLease;
import dev.patchbay.api.storage.WriteBatch;
import dev.patchbay.primitives.Account;
import dev.patchbay.primitives.Address;
import dev.patchbay.primitives.Block;
import dev.patchbay.primitives.BlockHeader;
import dev.patchbay.primitives.Bytes;
import dev.patchbay.primitives.ChainConfig;
import dev.patchbay.primitives.Hash;
import dev.patchbay.primitives.Receipt;
import dev.patchbay.primitives.UInt256;
import dev.patchbay.primitives.execution.StateChanges;
import dev.patchbay.trie.Trie;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.locks.LockSupport;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The block tree as it is read, and its head. The state in the store is that of the head; an older
 * state is the head's with later blocks undone. The way to a new head is one batch, but for trie
 * nodes, which follow from it ({@link RecentNodes}). Only this class and {@link Importer}, which
 * makes the ways, write to the store, and {@link ChainOpener} when it is taken.
 */
final class Chain implements ChainReader, ProtocolSchedule, StateProvider {
  private static final Logger LOG = LoggerFactory.getLogger(Chain.class);

  /** A window that was made smaller is reached step by step. */
  private static final int FORGOTTEN_AT_ONCE = 16;

  private static final long MOST_WAIT_NANOS = 5_000_000_000L;
  private static final long PAUSE_NANOS = 100_000L;

  private static final long CACHE_BYTES = 32L << 20;
  private static final long STATE_CACHE_BYTES = 16L << 20;

  private final ChainConfig config;
  private final ChainOpener opener;

  private final TrieWorkers workers;
  private final long historyBlocks;
  private final RecentNodes recent;
  private final BadBlocks bad;
  private final Function<String, @Nullable ConsensusRules> rules;

  private final BlockCache cache = new BlockCache(CACHE_BYTES);
  private final StateCache stateCache = new StateCache(STATE_CACHE_BYTES);

  /** Null until {@link #attach}: the store is opened before it can be attached. */
  private volatile @Nullable NamedStore storage;

  private volatile @Nullable Block head;

  /** The next head while it is written: the store shows it before this class does. */
  private volatile @Nullable Block arriving;

  /** Counts two for each reorganisation: it is odd while one is written. */
  private volatile long reorganisations;

  /**
   * Why the head in memory may be another one than that of the store; null while both are the same.
   */
  private volatile @Nullable String stale;

  private volatile Runnable recovery = () -> {};

  /** Number of the first block whose change set is kept: it can be undone. */
  private volatile long historyFrom = 1;

  /**
   * Makes a chain without a store.
   *
   * @param rules gives the installed rules by their name
   * @param historyBlocks how many blocks can be undone, so that the states before them are there;
   *     {@link Long#MAX_VALUE} for all
   */
  Chain(
      GenesisFile genesisFile,
      TrieWorkers workers,
      RecentNodes recent,
      BadBlocks bad,
      Function<String, @Nullable ConsensusRules> rules,
      long historyBlocks) {
    this.workers = workers;
    this.bad = bad;
    this.rules = rules;
    this.recent = recent;
    this.historyBlocks = historyBlocks;
    this.config = genesisFile.config();
    this.opener = new ChainOpener(genesisFile, workers);
  }

  /** Sets the store that is read and written from now on. */
  void attach(NamedStore store) {
    storage = store;
  }

  NamedStore storage() {
    NamedStore attached = storage;
    if (attached == null) {
      throw new StorageUnavailableException("storage unavailable: the chain is not open yet");
    }
    return attached;
  }

  /** Writes the genesis block into an empty store. */
  void initialize(KeyValueStore store) {
    opener.initialize(store);
  }

  /** Describes the head of a store for messages. */
  String describe(KeyReader store) {
    return ChainOpener.describe(store);
  }

  /**
   * Takes a store, which is checked before it is bound.
   *
   * @throws StorageException when it does not hold this chain, whole; the message says what to do
   */
  void open(KeyValueStore store) {
    cache.clear();
    stateCache.clear();
    ChainOpener.Opened opened = opener.open(store);
    historyFrom = opened.historyFrom();
    recent.reset(opened.head().hash(), opened.head().number());
    head = opened.head();
    stale = null;
  }

  /** Takes what {@link #recover} calls when {@link #reload} is due. */
  void onStale(Runnable reloading) {
    recovery = reloading;
  }

  /**
   * Reads the head from the store when an error has left it unknown; the caller holds the import
   * lock. Returns the head that readers saw before; null when there was none.
   */
  @Nullable Block reload(KeyValueStore store) {
    Block before = head;
    if (stale != null) {
      open(store);
    }
    return before;
  }

  /** Brings the head in memory and that of the store together again after an error. */
  private void requireFresh() {
    if (stale == null) {
      return;
    }
    recovery.run();
    String reason = stale;
    if (reason != null) {
      throw new StorageUnavailableException(
          "storage unavailable: " + reason + "; the node reads the store again");
    }
  }

  // ---- reading

  private <T extends @Nullable Object> T read(Function<KeyReader, T> reading) {
    requireFresh();
    try (StoreLease lease = storage().lease()) {
      return reading.apply(lease.get());
    }
  }

  /** Reads tries, whose nodes must be of one moment. */
  private <T extends @Nullable Object> T readSnapshot(Function<KeyReader, T> reading) {
    requireFresh();
    long start = System.nanoTime();
    do {
      RecentNodes.View nodes = recent.view();
      try (StoreLease lease = storage().lease();
          Snapshot snapshot = lease.get().snapshot()) {
        if (nodes.fits(snapshot)) {
          return reading.apply(nodes.over(snapshot));
        }
      }
      Thread.yield(); // a head is in the store, and its nodes will be here in a moment
    } while (System.nanoTime() - start < MOST_WAIT_NANOS);
    throw new StorageException("the trie nodes in memory do not fit the store; restart the node");
  }

  @Override
  public ChainConfig config() {
    return config;
  }

  @Override
  public Block head() {
    requireFresh();
    Block next = arriving;
    if (next != null && isHeadOfStore(next)) {
      return next; // whoever has seen one of its receipts must not be told of an older head
    }
    Block block = head;
    requireStore();
    if (block == null) {
      throw new StorageUnavailableException("storage unavailable: the chain is not open yet");
    }
    return block;
  }

  private void requireStore() {
    storage().requireBound();
  }

  private boolean isHeadOfStore(Block block) {
    byte[] stored = read(reader -> reader.get(Columns.META, Keys.HEAD));
    return stored != null && block.hash().equals(Hash.of(stored));
  }

  @Override
  public Block genesis() {
    return opener.genesis();
  }

  /** Returns the configuration of the genesis, as the store keeps it. */
  String genesisConfig() {
    return opener.genesisConfig();
  }

  @Override
  public @Nullable BlockHeader header(Hash hash) {
    return read(reader -> ChainStore.header(reader, hash));
  }

  @Override
  public @Nullable BlockHeader header(long number) {
    Hash hash = canonicalHash(number);
    return hash == null ? null : header(hash);
  }

  @Override
  public @Nullable Block block(Hash hash) {
    Block current = head;
    if (current != null && current.hash().equals(hash) && storage().isBound()) {
      return current;
    }
    requireStore();
    return cache.block(hash, () -> read(reader -> ChainStore.block(reader, hash)));
  }

  @Override
  public @Nullable Block block(long number) {
    Hash hash = canonicalHash(number);
    return hash == null ? null : block(hash);
  }

  @Override
  public @Nullable Hash canonicalHash(long number) {
    return read(reader -> ChainStore.canonical(reader, number));
  }

  @Override
  public @Nullable List<Receipt> receipts(Hash blockHash) {
    requireStore();
    return cache.receipts(blockHash, () -> read(reader -> ChainStore.receipts(reader, blockHash)));
  }

  @Override
  public @Nullable TransactionLocation transaction(Hash hash) {
    return read(reader -> ChainStore.transaction(reader, hash));
  }

  @Override
  public @Nullable UInt256 totalDifficulty(Hash blockHash) {
    return read(reader -> ChainStore.totalDifficulty(reader, blockHash));
  }

  // ---- state

  @Override
  public @Nullable StateRange stateAfter(Hash blockHash) {
    requireFresh();
    StoreLease lease = storage().lease();
    try {
      long opened = reorganisationsWritten();
      Long number = canonicalNumber(lease.get(), blockHash);
      if (number == null) {
        lease.close();
        return null;
      }
      Runnable check =
          () -> {
            if (reorganisations != opened) {
              throw new StorageException(
                  "the chain was reorganised while this state was read; ask again");
            }
            requireHistory(number);
          };
      check.run();
      return new States.Historic(lease.get(), stateCache, blockHash, number, check, lease::close);
    } catch (Throwable failure) { // an error, too, must not keep the lease
      lease.close();
      throw failure;
    }
  }

  /** Returns how far reorganisations are counted, when none is being written any more. */
  private long reorganisationsWritten() {
    long start = System.nanoTime();
    long seen = reorganisations;
    while ((seen & 1) != 0) {
      if (System.nanoTime() - start > MOST_WAIT_NANOS) {
        throw new StorageException("the chain is being reorganised; ask again");
      }
      LockSupport.parkNanos(PAUSE_NANOS);
      seen = reorganisations;
    }
    return seen;
  }

  /** Returns the number of a block of the chain; null of any other. */
  private @Nullable Long canonicalNumber(KeyReader reader, Hash hash) {
    Block top = head;
    if (top != null && top.hash().equals(hash)) {
      return top.number(); // most reads are of the head
    }
    return ChainStore.canonicalNumber(reader, hash);
  }

  @Override
  public History history() {
    return new History(
        Math.max(0, historyFrom - 1), historyBlocks == Long.MAX_VALUE ? null : historyBlocks);
  }

  /** Returns whether the state after a block of the chain is there. */
  boolean hasHistory(long number) {
    return number + 1 >= historyFrom;
  }

  void requireHistory(long number) {
    if (!hasHistory(number)) {
      throw new StorageException(
          "the state after block "
              + number
              + " is not kept: the first is that after block "
              + (historyFrom - 1));
    }
  }

  @Override
  public Hash rootAfter(Hash parent, StateChanges changes) {
    return readSnapshot(
        reader -> {
          Overlay overlay = overlayAt(reader, parent);
          if (overlay == null) {
            throw new IllegalArgumentException("no state after block " + parent);
          }
          return new FlatState(overlay, workers).rootAfter(changes);
        });
  }

  @Override
  public Hash storageRootAfter(Hash parent, StateChanges changes, Address address) {
    List<StateChanges.AccountChange> own =
        changes.accounts().stream().filter(change -> change.address().equals(address)).toList();
    return readSnapshot(
        reader -> {
          Overlay overlay = overlayAt(reader, parent);
          if (overlay == null) {
            throw new IllegalArgumentException("no state after block " + parent);
          }
          return new FlatState(overlay, workers).storageRootAfter(new StateChanges(own), address);
        });
  }

  @Override
  public @Nullable StateProof prove(Hash blockHash, Address address, List<UInt256> keys) {
    return readSnapshot(
        reader -> {
          Overlay overlay = overlayAt(reader, blockHash);
          if (overlay == null) {
            return null;
          }
          FlatState state = new FlatState(overlay, workers);
          Hash hash = address.keccak();
          Account account = FlatState.account(overlay, hash);
          List<StateProof.Slot> slots = new ArrayList<>();
          for (UInt256 key : keys) {
            Hash slot = Hash.keccak(key.toArray());
            Trie trie = state.storageTrie(hash);
            slots.add(
                new StateProof.Slot(
                    key,
                    FlatState.slot(overlay, Keys.slot(hash, slot)),
                    trie.proof(slot.toArray()).stream().map(Bytes::wrap).toList()));
          }
          return new StateProof(
              account == null ? Account.EMPTY : account,
              state.accountTrie().proof(hash.toArray()).stream().map(Bytes::wrap).toList(),
              slots);
        });
  }

  @Override
  public Set<Bytes> witness(Hash blockHash, Map<Address, Set<UInt256>> read, StateChanges changes) {
    return readSnapshot(
        reader -> {
          Overlay overlay = overlayAt(reader, blockHash);
          if (overlay == null) {
            throw new IllegalArgumentException("no state after block " + blockHash);
          }
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

  /**
   * Returns the state after a canonical block as an overlay: the head's, with the blocks above
   * undone.
   */
  private @Nullable Overlay overlayAt(KeyReader reader, Hash blockHash) {
    Overlay overlay = new Overlay(reader);
    Long wanted = ChainStore.canonicalNumber(reader, blockHash);
    byte[] headHash = reader.get(Columns.META, Keys.HEAD);
    BlockHeader top = headHash == null ? null : ChainStore.header(reader, Hash.of(headHash));
    if (wanted == null || top == null) {
      return null;
    }
    requireHistory(wanted);
    new FlatState(overlay, workers).rewind(top.number(), wanted);
    return overlay;
  }

  // ---- the head

  /** Returns what the store and the nodes in memory are together: the state after the head. */
  KeyReader stateOfHead(KeyValueStore store) {
    return recent.view().over(store);
  }

  @Override
  public ConsensusRules rules() {
    String name = config.consensus();
    ConsensusRules installed = rules.apply(name);
    if (installed == null) {
      throw new NotReadyException("the consensus rules '" + name + "' are not installed");
    }
    return installed;
  }

  @Override
  public List<BadBlock> badBlocks() {
    return bad.latest();
  }

  @Override
  public @Nullable Block safe() {
    return marked(Keys.SAFE);
  }

  @Override
  public @Nullable Block finalized() {
    return marked(Keys.FINALIZED);
  }

  private @Nullable Block marked(byte[] key) {
    if (!config.isDriven()) {
      return head();
    }
    Hash hash =
        read(
            reader -> {
              byte[] stored = reader.get(Columns.META, key);
              Hash named = stored == null ? null : Hash.of(stored);
              // the head may have been set back since
              return named == null || ChainStore.canonicalNumber(reader, named) == null
                  ? null
                  : named;
            });
    return hash == null ? null : block(hash);
  }

  /** Keeps a block that the head has moved to for those who read it next. */
  void remember(Block block, List<Receipt> receipts) {
    cache.add(block, receipts);
  }

  /**
   * Writes a new head; the caller holds the import lock.
   *
   * @param writes all that the way to it changes
   * @param fork number of the last block that stays
   * @param reorganises whether blocks above it go
   * @throws StorageException when the store has refused it, or any error: the head is the one
   *     before. An error after the store has taken it is logged, and the head has moved. While the
   *     store cannot be read again, all methods answer that storage is unavailable.
   */
  void moveHead(KeyValueStore store, Writes writes, Block block, long fork, boolean reorganises) {
    writes.put(Columns.META, Keys.HEAD, block.hash().toArray());
    Overlay overlay = new Overlay(stateOfHead(store), writes);
    long nextHistoryFrom = forgetOld(overlay, new FlatState(overlay, workers), block.number());
    // what the tries in the store would be caught up by must stay
    boolean flush =
        recent.isFull()
            || nextHistoryFrom > recent.baseNumber() + 1
            || fork < recent.baseNumber()
            || block.number() != fork + 1;
    WriteBatch batch = writes.toBatchWithoutTries();
    if (flush) {
      recent.flushInto(batch, writes, block.hash());
    }
    long before = historyFrom;
    historyFrom = nextHistoryFrom; // readers look at it after they have read: it must come first
    arriving = block;
    if (reorganises) {
      reorganisations++;
    }
    try {
      storage().write(batch);
      if (flush) {
        recent.reset(block.hash(), block.number());
      } else {
        recent.add(writes, block.hash());
      }
      head = block;
    } catch (Throwable failure) { // only the store knows which head it holds
      if (!isWritten(store, block, failure)) {
        historyFrom = before;
        throw failure;
      }
      LOG.warn("head {} is written; an error came after that: {}", block, failure.toString());
    } finally {
      arriving = null;
      if (reorganises) {
        reorganisations++;
      }
    }
  }

  /**
   * Returns whether the store holds a new head after an error while it was written; takes over what
   * the store holds.
   *
   * @throws RuntimeException the failure, or an error, when the store cannot be read: the head is
   *     read again before the next use
   */
  private boolean isWritten(KeyValueStore store, Block block, Throwable failure) {
    stale = "a head could not be written";
    try {
      byte[] stored = store.get(Columns.META, Keys.HEAD);
      Block known = head;
      if (stored != null && known != null && known.hash().equals(Hash.of(stored))) {
        stale = null; // the store is as before, and so is all that follows from it
        return false;
      }
      open(store);
      return block.equals(head);
    } catch (Throwable again) {
      again.addSuppressed(failure);
      throw again;
    }
  }

  /**
   * Forgets change sets that the window has passed, not too many at once; returns the first left.
   */
  private long forgetOld(Overlay overlay, FlatState state, long top) {
    long from = historyFrom;
    long end = Math.min(top - historyBlocks + 1, from + FORGOTTEN_AT_ONCE);
    if (end <= from) {
      return from;
    }
    for (long number = from; number < end; number++) {
      state.forget(number);
    }
    overlay.put(Columns.META, Keys.HISTORY_FROM, Keys.number(end));
    return end;
  }
}
